# ruff: noqa: UP008  (the tutorials are written like this)
"""A character model: one-hot inputs, a hidden state made by init_hidden, and text generated letter by letter."""

import numpy as np

import numbarnn as torch
from numbarnn import nn

torch.manual_seed(9)

text = ["hey how are you", "good i am fine", "have a nice day"]
chars = sorted(set("".join(text)))
int2char = dict(enumerate(chars))
char2int = {char: ind for ind, char in int2char.items()}
maxlen = len(max(text, key=len))
text = [t.ljust(maxlen) for t in text]
input_seq = [[char2int[c] for c in t[:-1]] for t in text]
target_seq = [[char2int[c] for c in t[1:]] for t in text]
dict_size, seq_len, batch_size = len(char2int), maxlen - 1, len(text)


def one_hot_encode(sequence, dict_size, seq_len, batch_size):
    features = np.zeros((batch_size, seq_len, dict_size), dtype=np.float32)
    for i in range(batch_size):
        for u in range(seq_len):
            features[i, u, sequence[i][u]] = 1
    return features


input_seq = torch.from_numpy(one_hot_encode(input_seq, dict_size, seq_len, batch_size))
target_seq = torch.Tensor(target_seq)
print("Input shape:", tuple(input_seq.shape))


class Model(nn.Module):
    def __init__(self, input_size, output_size, hidden_dim, n_layers):
        super(Model, self).__init__()
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.rnn = nn.RNN(input_size, hidden_dim, n_layers, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_size)

    def forward(self, x):
        batch_size = x.size(0)
        hidden = self.init_hidden(batch_size)
        out, hidden = self.rnn(x, hidden)
        out = out.contiguous().view(-1, self.hidden_dim)
        out = self.fc(out)
        return out, hidden

    def init_hidden(self, batch_size):
        return torch.zeros(self.n_layers, batch_size, self.hidden_dim)


model = Model(input_size=dict_size, output_size=dict_size, hidden_dim=12, n_layers=1)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

n_epochs = 150
for epoch in range(1, n_epochs + 1):
    optimizer.zero_grad()
    output, hidden = model(input_seq)
    loss = criterion(output, target_seq.view(-1).long())
    loss.backward()
    optimizer.step()
    if epoch % 30 == 0:
        print(f"Epoch: {epoch}/{n_epochs}.............", end=" ")
        print(f"Loss: {loss.item():.4f}")


def predict(model, character):
    character = np.array([[char2int[c] for c in character]])
    character = one_hot_encode(character, dict_size, character.shape[1], 1)
    out, hidden = model(torch.from_numpy(character))
    prob = nn.functional.softmax(out[-1], dim=0).data
    char_ind = torch.max(prob, dim=0)[1].item()
    return int2char[char_ind], hidden


def sample(model, out_len, start):
    model.eval()
    chars = list(start)
    for _ in range(out_len - len(start)):
        char, _hidden = predict(model, chars)
        chars.append(char)
    return "".join(chars)


print(sample(model, 15, "good"))
print(sample(model, 15, "hey"))
