"""Sentences of different lengths: padded, embedded, packed, run, unpacked."""

import numbarnn as torch
import numbarnn.nn as nn
from numbarnn.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(7)

sentences = [torch.tensor([4, 2, 7]), torch.tensor([1, 3, 5, 6, 8]), torch.tensor([9]), torch.tensor([2, 2, 6, 1])]
lengths = [len(s) for s in sentences]
padded = pad_sequence(sentences, batch_first=True, padding_value=0)
print(padded)


class Tagger(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim, tagset_size):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=0)
        self.rnn = nn.RNN(embedding_dim, hidden_dim, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, tagset_size)

    def forward(self, batch, lengths):
        packed = pack_padded_sequence(self.embedding(batch), lengths, batch_first=True, enforce_sorted=False)
        packed_out, hidden = self.rnn(packed)
        out, out_lengths = pad_packed_sequence(packed_out, batch_first=True)
        return self.hidden2tag(out), out_lengths, hidden


model = Tagger(10, 6, 12, 3)
targets = padded % 3
loss_function = nn.CrossEntropyLoss(ignore_index=-100)
targets = torch.where(padded == 0, torch.full_like(targets, -100), targets)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)

for epoch in range(10):
    model.zero_grad()
    scores, out_lengths, hidden = model(padded, torch.tensor(lengths))
    loss = loss_function(scores.view(-1, 3), targets.view(-1))
    loss.backward()
    optimizer.step()
    if epoch % 3 == 0:
        print(f"epoch {epoch}: loss {loss.item():.4f}")

print(out_lengths, hidden.shape, scores.shape)
tags = scores.argmax(dim=-1)
print([tags[i, : lengths[i]].tolist() for i in range(4)])

# Packed or alone: the same numbers.
alone, _ = model.rnn(model.embedding(sentences[1]).unsqueeze(0))
together, _, _ = model(padded, lengths)
assert torch.allclose(model.hidden2tag(alone)[0], together[1], atol=1e-6)
