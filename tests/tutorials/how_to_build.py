import numbarnn as torch
import numbarnn.nn as nn

torch.manual_seed(1)

rnn = torch.nn.RNN(input_size=10, hidden_size=20, num_layers=1, batch_first=True)
input = torch.randn(5, 3, 10)  # batch=5, seq_len=3, features=10
output, hidden = rnn(input)
print(output.shape, hidden.shape)


class SimpleRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        out, _hidden = self.rnn(x)  # out shape: (batch, seq_len, hidden_size)
        out = out[:, -1, :]  # take last time step output
        return self.fc(out)  # map to output size


model = SimpleRNN(input_size=4, hidden_size=8, output_size=1)
input_tensor = torch.randn(2, 5, 4)
output = model(input_tensor)
print(output)

# The tutorial calls this wrong; it is an unbatched sequence of 10 steps.
rnn_wrong = nn.RNN(input_size=3, hidden_size=5, batch_first=True)
input_wrong = torch.randn(10, 3)
try:
    output, hidden = rnn_wrong(input_wrong)
    print("Output shape:", output.shape)
except Exception as e:
    print(f"Error: {e}")

rnn_right = nn.RNN(input_size=3, hidden_size=5, batch_first=True)
input_right = torch.randn(2, 4, 3)
output, hidden = rnn_right(input_right)
print("Output shape:", output.shape)
