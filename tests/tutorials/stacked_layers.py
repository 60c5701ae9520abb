import numbarnn as torch
import numbarnn.nn as nn

torch.manual_seed(2)

batch_size = 3
seq_len = 5
input_size = 10
hidden_size = 20
num_layers = 2

rnn = nn.RNN(
    input_size=input_size,
    hidden_size=hidden_size,
    num_layers=num_layers,
    batch_first=True,
    nonlinearity="tanh",
)
dummy_input = torch.randn(batch_size, seq_len, input_size)
h0 = torch.zeros(num_layers, batch_size, hidden_size)
output, hn = rnn(dummy_input, h0)

print("--- Shape Verification ---")
print(f"Input Shape: {dummy_input.shape}")
print(f"Output Shape: {output.shape}")
print(f"h_n Shape: {hn.shape}")

last_step_output = output[:, -1, :]
last_layer_hidden = hn[-1, :, :]
assert torch.allclose(last_step_output, last_layer_hidden, atol=1e-6)
print("\nVerification successful: Last output step matches final hidden state.")

# Carry over state without tracking history
h0 = hn.detach()
output, hn = rnn(dummy_input, h0)
print(h0.requires_grad, hn.requires_grad)
print(output[0, :, :4])
