"""One long series in chunks: the state goes on from batch to batch, its history does not."""

import numpy as np

import numbarnn as torch
from numbarnn import nn, optim

torch.manual_seed(5)

seq_length = 20
steps = np.linspace(0, 16 * np.pi, 20 * seq_length + 1, dtype=np.float32)
data = np.sin(steps)


class RNN(nn.Module):
    def __init__(self, input_size, output_size, hidden_dim, n_layers):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_dim, n_layers, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_size)

    def forward(self, x, hidden):
        r_out, hidden = self.rnn(x, hidden)
        r_out = r_out.contiguous().view(-1, r_out.size(2))
        return self.fc(r_out), hidden


model = RNN(input_size=1, output_size=1, hidden_dim=16, n_layers=1)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)

for epoch in range(6):
    hidden = None
    epoch_loss = 0.0
    for start in range(0, len(data) - 1, seq_length):
        x = torch.Tensor(data[start : start + seq_length]).unsqueeze(0).unsqueeze(-1)
        y = torch.Tensor(data[start + 1 : start + seq_length + 1]).unsqueeze(-1)
        prediction, hidden = model(x, hidden)
        hidden = hidden.data  # or hidden.detach()
        loss = criterion(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        epoch_loss += loss.item()
    print(f"epoch {epoch}: loss {epoch_loss / 20:.5f}")

# Generate: each prediction is the next input.
model.eval()
with torch.no_grad():
    value, hidden = torch.tensor([[[0.0]]]), None
    generated = []
    for _ in range(5):
        value, hidden = model(value, hidden)
        generated.append(value.item())
        value = value.view(1, 1, 1)
print("generated:", [f"{g:.3f}" for g in generated])
