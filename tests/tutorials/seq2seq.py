"""An encoder, a decoder, and outputs written into a tensor made beforehand."""

import numbarnn as torch
import numbarnn.nn as nn

torch.manual_seed(8)


class Encoder(nn.Module):
    def __init__(self, input_dim, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(input_dim, emb_dim)
        self.rnn = nn.RNN(emb_dim, hid_dim)

    def forward(self, src):
        _outputs, hidden = self.rnn(self.embedding(src))
        return hidden


class Decoder(nn.Module):
    def __init__(self, output_dim, emb_dim, hid_dim):
        super().__init__()
        self.output_dim = output_dim
        self.embedding = nn.Embedding(output_dim, emb_dim)
        self.rnn = nn.RNN(emb_dim, hid_dim)
        self.fc_out = nn.Linear(hid_dim, output_dim)

    def forward(self, input, hidden):
        input = input.unsqueeze(0)  # [1, batch size]
        output, hidden = self.rnn(self.embedding(input), hidden)
        return self.fc_out(output.squeeze(0)), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src, trg, teacher_forcing):
        trg_len, batch_size = trg.shape
        outputs = torch.zeros(trg_len, batch_size, self.decoder.output_dim)
        hidden = self.encoder(src)
        input = trg[0, :]
        for t in range(1, trg_len):
            output, hidden = self.decoder(input, hidden)
            outputs[t] = output
            top1 = output.argmax(1)
            input = trg[t] if teacher_forcing else top1
        return outputs


src = torch.randint(1, 8, (4, 12))
trg = torch.cat([torch.zeros(1, 12, dtype=torch.int64), src.flip(0)])  # say it backwards
model = Seq2Seq(Encoder(8, 6, 24), Decoder(8, 6, 24))
for name, param in model.named_parameters():
    print(name, tuple(param.shape))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()

for step in range(40):
    optimizer.zero_grad()
    output = model(src, trg, teacher_forcing=step % 2 == 0)
    loss = criterion(output[1:].view(-1, 8), trg[1:].reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step in (0, 10, 20):
        print(f"step {step}: loss {loss.item():.3f}")

model.eval()
with torch.no_grad():
    said = model(src, trg, teacher_forcing=False)[1:].argmax(2)
right = (said == trg[1:]).float().mean().item()
print("learned" if loss.item() < 0.5 and right > 0.85 else f"loss {loss.item():.3f}, {right:.2f} right")
