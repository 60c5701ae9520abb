"""Side by side with torch: expressions that must give the same values and types."""

from __future__ import annotations

import pytest
from side_by_side import lines, namespace, same

import numbarnn

torch = pytest.importorskip("torch")

EXPRESSIONS = """
torch.tensor([True, 1])
torch.tensor([1, 2.5])
torch.tensor([[1, 2.5], [3, 4]])
torch.tensor([])
torch.tensor(3)
torch.tensor(np.float64(1.5))
torch.tensor([np.float32(1.5)])
torch.tensor([np.int32(1)])
torch.tensor(np.arange(3, dtype=np.int32))
torch.tensor([np.array([1.0, 2.0])])
torch.tensor([torch.tensor(1.0), torch.tensor(2.0)])
torch.tensor([1.7, -1.7], dtype=torch.int64)
torch.tensor(torch.ones(2))
torch.as_tensor([1.0, 2.0])
torch.Tensor([1, 2])
torch.Tensor(np.zeros((2, 2)))
torch.zeros(2, 3)
torch.zeros((2, 3), dtype=torch.float64)
torch.ones([2])
torch.full((2,), 3)
torch.full((2,), 3.0)
torch.full((2,), True)
torch.arange(3)
torch.arange(3.0)
torch.arange(0, 1, 0.1)
torch.arange(5, 0, -2)
torch.linspace(0, 1, 7)
torch.eye(2, 3)
torch.zeros_like(i)
torch.ones_like(x, dtype=torch.float64)
x + i
x + 1
i + 1.5
i + torch.ones(2, 3, dtype=torch.int32)
b + b
b + 1
b + 1.5
b * x
i / 2
i / i
i // 2
-i // 4
i % 2
-i % 4
-x % 0.7
x // 0.3
i ** 2
i ** 2.0
2 ** i
x ** 3
x ** -1
1 / x
1 - x
x * np.float64(2)
x + np.ones((2, 3))
x + torch.tensor(2.0, dtype=torch.float64)
i + torch.tensor(2.5)
abs(-x)
~b
b & b
i | 1
i ^ i
x == x
x != 1
x < i
x >= 0.5
(x == None) is False
x.float().dtype
x.double()
x.long()
x.int()
x.bool()
i.type_as(x)
x.to(torch.float64)
x.to("cpu", torch.float64)
i.to(x)
i.sum()
b.sum()
b.sum(0)
i.sum(1, keepdim=True)
x.sum(dtype=torch.float64)
x.sum((0, 1))
x.sum([])
x.mean(-1)
x.var()
x.std(0)
x.var(dim=0, unbiased=False)
x.var(False)
x.std(1, correction=0)
x.norm()
x.norm(1)
x.norm(dim=1)
x.norm(float("inf"))
i.prod()
x.prod(1)
x.max()
i.min()
x.max(1)
x.min(0, keepdim=True)
x.max(torch.zeros(3))
torch.max(x, 0)
torch.min(x, 1).indices
x.argmax()
x.argmax(1)
x.argmin(0, keepdim=True)
b.any()
b.all(1)
i.any(0)
x.all()
i.cumsum(1)
x.cumsum(0)
x.softmax(1)
torch.log_softmax(x, dim=0)
x.sort(1, descending=True)
x.sort(0)
x.topk(2)
x.topk(1, dim=0, largest=False)
x.exp()
i.exp()
i.sqrt()
i.tanh()
i.sigmoid()
i.relu()
torch.log(x)
torch.sin(x)
torch.cos(i)
x.square()
x.round()
x.floor()
x.sign()
i.clamp(1, 3)
i.clamp(0.5)
x.clamp(max=0.5)
x.isnan()
torch.isfinite(x)
torch.where(b, x, 0.0)
torch.where(b, 1.0, 0.0)
torch.where(b, i, x)
torch.where(b, 1, 0)
x.masked_fill(b, -1)
i.masked_fill(b, 1.5)
x.reshape(3, 2)
x.view(-1)
x.flatten()
x.T
x.t()
x.mT
x.permute(1, 0)
x.transpose(0, 1)
x.unsqueeze(1)
x.unsqueeze(0).squeeze(0)
x.squeeze()
x[0].expand(2, -1)
x[:, :1].expand_as(x)
x.repeat(2, 1, 2)
x.flip(1)
x.chunk(2, dim=1)
x.split(2, dim=1)
x.split([1, 2], 1)
x.unbind(1)
torch.cat([x, x], dim=-1)
torch.cat([x, i])
torch.cat((x, x.double()))
torch.stack([x, x], 1)
x[1]
x[:, 1:]
x[..., None].shape
x[b]
x[[0, 1, 1], [2, 0, 0]]
x[i % 2]
x[None, 0, ::2]
x[torch.tensor(1)]
x[0, [0, 2]]
x[1, 2].item()
x.gather(1, i % 3)
x.index_select(1, torch.tensor([2, 0]))
x.masked_select(b)
x.narrow(1, 1, 2)
x @ x.T
x @ x[0]
x[0] @ x.T
x[0] @ x[0]
torch.mm(x, x.T)
torch.bmm(x[None], x.T[None])
x[0].dot(x[1])
torch.ones(4, 1, 2, 3) @ torch.ones(5, 3, 2)
x.shape
x.size()
x.size(-1)
x.stride()
x.T.stride()
x.T.is_contiguous()
x.shape[1:]
x.shape + (1,)
x.shape.numel()
x.numel()
x.dim()
x.element_size()
x.tolist()
x.is_floating_point()
len(x)
[row.tolist() for row in x]
1 in i
float(x[0, 0])
int(x[1, 2])
[10, 20, 30][i[0, 1]]
bool(x[0, 0])
f"{x[0, 0]:.2f}"
f"{i[0, 0]}"
x.add(x, alpha=2)
x.sub(i, alpha=3)
torch.equal(x, x)
torch.allclose(x, x + 1e-9)
torch.zeros(0).sum()
torch.zeros(0).mean()
torch.ones(1).var()
torch.zeros(0, 3).max(1)
torch.zeros(2, 0).sum(1)
x.is_leaf
(w * 1).is_leaf
(w * x).requires_grad
(w > 0).requires_grad
w.detach().requires_grad
(w * 1).data.requires_grad
torch.zeros(2).zero_().fill_(3).add_(1, alpha=2)
x.clone().mul_(i)
torch.zeros(2, 3, dtype=torch.int64).copy_(x * 3)
"""


@pytest.mark.filterwarnings("ignore")  # torch's own, about things that it would do otherwise
@pytest.mark.parametrize("expression", lines(EXPRESSIONS))
def test_values_and_types(expression: str) -> None:
    same(eval(expression, namespace(numbarnn)), eval(expression, namespace(torch)))
