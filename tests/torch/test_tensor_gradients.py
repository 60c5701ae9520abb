"""Side by side with torch: programs that must give the same gradients."""

from __future__ import annotations

import pytest
from side_by_side import lines, namespace, same

import numbarnn

torch = pytest.importorskip("torch")

PROGRAMS = """
y = (w * x).tanh().sum()
y = (w @ x.T).softmax(1)[0, 1] * 2
y = w.max(1).values.sum() + w.min()
y = (w[0] + w[:, :1]).exp().mean()
h = w * 2; h[0] = x[1]; h[:, 1] += w[:, 0]; y = (h * h).sum()
h = w * 2; h[0].mul_(w[1]); y = (h * h).sum()
h = torch.zeros(2, 2, 3); h[1] = w; v = h[1, 0]; h *= 3; y = (v * v).sum() + h.sum()
h = torch.zeros(3); v = h[1:]; h.copy_(w[0]); y = (v ** 2).sum()
a, c = w.chunk(2, 0); y = (a * c).sum()
y = sum((r * r).sum() for r in w)
y = torch.stack([w[0], w[1] * 2]).log_softmax(0)[0, 0]
y = torch.cat([w, w * 2], 1).std()
y = w.clamp(0.2, 0.8).norm()
y = torch.where(b, w, w * 3).prod()
y = w.reshape(-1)[torch.tensor([0, 0, 5])].sum()
y = w.gather(1, i % 3).pow(2).sum()
y = (w.double() * 2).float().sum()
y = (w.relu() * w.sigmoid()).mean(0)[1]
h = w.detach().clone().requires_grad_(); (h * h).sum().backward(); y = (w * h.grad).sum()
h = torch.no_grad()(lambda: w * 2)(); y = (h * w).sum()
h = w.exp(); h.detach().zero_(); y = w.sum()
y = w.masked_fill(b, 0).cumsum(1).sum()
y = (w.T.contiguous().view(-1) * torch.arange(6.0)).sum()
y = w.amax(0).sum() - w.amin(1).sum()
y = w.sort(1, descending=True)[0][:, 0].sum()
h = w * 2; h.scatter_(1, i % 3, w * 5); y = (h * h).sum()
h = w.clone(); h.scatter_(1, i[:, :1] % 3, 7.0); y = (h * h).sum()
y = (w.roll(1, 0) * x).sum() + w.roll(-2)[0, 1] + torch.roll(w, (1, 2), (0, 1))[1].prod()
y = (torch.diag(w)[1] * torch.diag(w[0], 1)).sum()
y = (torch.outer(w[0], w[1]) @ x.T).sum() + torch.dot(w[0], x[1])
y = w.where(b, x * w).prod() + torch.where(b, 1.0, w).sum()
y = torch.flip(w, (1,))[0, 0] * torch.topk(w, 2).values.prod() + torch.norm(w, 3)
h = w * 3; h.register_hook(lambda g: g * 2); w.register_hook(lambda g: g.clamp(max=20)); y = (h * h).sum()
w.register_hook(lambda g: g.mul_(3)); w.register_hook(lambda g: g + 1).remove(); y = (w * w).sum()
a, c = w.unbind(0); c.register_hook(lambda g: g * 0); y = (a * c).sum()
w.register_hook(lambda g: g + 1); w.register_hook(lambda g: g * 2); y = (w * w).sum() + w.prod()
y = w.expand(4, 2, 3).sum() + w.repeat(1, 2).sum()
y = (w / (w + 1)).sqrt().abs().square().log().sum()
y = (2.0 ** w).sum() + (w ** w).sum()
y = w.unflatten(1, (3, 1)).squeeze().movedim(0, 1).flip(0)[0].sum()
"""


@pytest.mark.parametrize("program", lines(PROGRAMS))
def test_gradients(program: str) -> None:
    grads = []
    for module in (numbarnn, torch):
        names = namespace(module)
        exec(program, names)
        names["y"].backward()
        grads.append((names["y"], names["w"].grad))
    same(*grads)
