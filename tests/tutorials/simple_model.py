import numbarnn as torch
import numbarnn.nn as nn

torch.manual_seed(0)


class SimpleRNNModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim, num_rnn_layers=1):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.num_rnn_layers = num_rnn_layers
        self.rnn = nn.RNN(
            input_size=input_dim,
            hidden_size=hidden_dim,
            num_layers=num_rnn_layers,
            batch_first=True,
            nonlinearity="tanh",
        )
        self.fc = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        batch_size = x.size(0)
        h0 = torch.zeros(self.num_rnn_layers, batch_size, self.hidden_dim).to(x.device)
        _rnn_out, hn = self.rnn(x, h0)
        last_layer_hidden_state = hn[-1]
        return self.fc(last_layer_hidden_state)


INPUT_DIM = 10
HIDDEN_DIM = 20
OUTPUT_DIM = 5
NUM_LAYERS = 1

model = SimpleRNNModel(INPUT_DIM, HIDDEN_DIM, OUTPUT_DIM, NUM_LAYERS)
print("Model Architecture:")
print(model)

BATCH_SIZE = 4
SEQ_LEN = 15
dummy_input = torch.randn(BATCH_SIZE, SEQ_LEN, INPUT_DIM)
output = model(dummy_input)

print(f"\nInput shape: {dummy_input.shape}")
print(f"Output shape: {output.shape}")
assert output.shape == (BATCH_SIZE, OUTPUT_DIM)
print(output)
