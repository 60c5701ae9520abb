# ruff: noqa: UP008, RET504  (the tutorials are written like this)
import numbarnn as torch
import numbarnn.nn as nn

torch.manual_seed(4)


class SimpleRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(SimpleRNN, self).__init__()
        self.hidden_size = hidden_size
        self.rnn = nn.RNN(input_size, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        h0 = torch.zeros(1, x.size(0), self.hidden_size)
        out, _hn = self.rnn(x, h0)
        out = self.fc(out[:, -1, :])
        return out


class MultiLayerRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size, num_layers):
        super(MultiLayerRNN, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.rnn = nn.RNN(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        h0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        out, _hn = self.rnn(x, h0)
        out = self.fc(out[:, -1, :])
        return out


class RNNWithCell(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNNWithCell, self).__init__()
        self.hidden_size = hidden_size
        self.rnn_cell = nn.RNNCell(input_size, hidden_size)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        batch_size, seq_len, _ = x.size()
        h = torch.zeros(batch_size, self.hidden_size)
        for t in range(seq_len):
            h = self.rnn_cell(x[:, t, :], h)
        return self.fc(h)


class MultiLayerRNNCell(nn.Module):
    def __init__(self, input_size, hidden_size, output_size, num_layers):
        super(MultiLayerRNNCell, self).__init__()
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        self.cells = nn.ModuleList(
            [nn.RNNCell(input_size if i == 0 else hidden_size, hidden_size) for i in range(num_layers)]
        )
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        batch_size, seq_len, _ = x.size()
        h = [torch.zeros(batch_size, self.hidden_size) for _ in range(self.num_layers)]
        for t in range(seq_len):
            input_t = x[:, t, :]
            for layer in range(self.num_layers):
                h[layer] = self.cells[layer](input_t, h[layer])
                input_t = h[layer]
        return self.fc(h[-1])


few = torch.randn(2, 6, 10)
for model in (
    SimpleRNN(10, 20, 1),
    MultiLayerRNN(10, 20, 1, 3),
    RNNWithCell(10, 20, 1),
    MultiLayerRNNCell(10, 20, 1, 3),
):
    print(model)
    print(model(few))

batch_size = 32
seq_len = 50
input_size = 100
hidden_size = 128
output_size = 2
num_layers = 2

inputs = torch.randn(batch_size, seq_len, input_size)
labels = torch.randint(0, output_size, (batch_size,))

model = MultiLayerRNN(input_size, hidden_size, output_size, num_layers)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

num_epochs = 10
for epoch in range(num_epochs):
    model.train()
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()
    print(f"Epoch [{epoch + 1}/{num_epochs}], Loss: {loss.item():.4f}")

model.eval()
with torch.no_grad():
    _, predicted = torch.max(model(inputs), 1)
    accuracy = (predicted == labels).sum().item() / labels.size(0)
print(f"Accuracy: {accuracy * 100:.1f} %")
