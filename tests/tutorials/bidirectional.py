"""Both directions' last states side by side, as people classify with a bidirectional RNN."""

import numbarnn as torch
import numbarnn.nn as nn
import numbarnn.nn.functional as F

torch.manual_seed(6)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Classifier(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, output_dim, n_layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.rnn = nn.RNN(embedding_dim, hidden_dim, n_layers, bidirectional=True, dropout=dropout)
        self.fc = nn.Linear(2 * hidden_dim, output_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, text):
        embedded = self.dropout(self.embedding(text))  # [sent len, batch, emb dim]
        _output, hidden = self.rnn(embedded)
        hidden = self.dropout(torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1))
        return self.fc(hidden)


model = Classifier(30, 8, 16, 1, 2, 0.0).to(device)
print(model)
print(f"{sum(p.numel() for p in model.parameters() if p.requires_grad):,} trainable parameters")

text = torch.randint(1, 30, (9, 16)).to(device)
label = (text[0] > 14).float()  # decided by the first word: the reverse direction sees it last
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(12):
    optimizer.zero_grad()
    predictions = model(text).squeeze(1)
    loss = criterion(predictions, label)
    correct = (torch.round(torch.sigmoid(predictions)) == label).float()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
    optimizer.step()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f} accuracy {correct.mean().item():.3f}")

output, hidden = model.rnn(model.embedding(text))
print(torch.equal(output[-1, :, :16], hidden[-2]), torch.equal(output[0, :, 16:], hidden[-1]))
print(F.softmax(torch.cat([model(text[:, :2]), -model(text[:, :2])], dim=-1), dim=-1))
