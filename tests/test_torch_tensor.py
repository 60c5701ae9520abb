"""Side by side with torch: expressions that must give the same values, types, gradients, errors and text."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

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

ERRORS = {
    "torch.tensor([[1, 2], [3]])": "expected sequence of length 2 at dim 1 (got 1)",
    "torch.tensor([2**70])": "Overflow when unpacking long",
    "torch.tensor('a')": "",
    "torch.tensor(None)": "",
    "torch.tensor([1, 2], requires_grad=True)": "Only Tensors of floating point",
    "torch.from_numpy([1])": "expected np.ndarray (got list)",
    "torch.zeros(2.0)": "zeros()",
    "torch.zeros(-1)": "zeros: Dimension size must be non-negative",
    "torch.arange(5, 0)": "upper bound and lower bound inconsistent with step sign",
    "torch.randint(5, 5, (2,))": "random_ expects 'from' to be less than 'to', but got from=5 >= to=5",
    "torch.cat([])": "",
    "torch.cat([x, x.T])": "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2",
    "torch.cat([x, x[0]])": "Tensors must have same number of dimensions: got 2 and 1",
    "torch.stack([])": "stack expects a non-empty TensorList",
    "torch.stack([x, x[0]])": "stack expects each tensor to be equal size, but got [2, 3] at entry 0 and",
    "torch.where(i, 1.0, 0.0)": "where expected",
    "torch.clamp(x)": "",
    "x + torch.ones(4)": "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    "x == torch.ones(4)": "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    "x + None": "unsupported operand type(s) for +: 'Tensor' and 'NoneType'",
    "x + [1, 2]": "unsupported operand type(s) for +: 'Tensor' and 'list'",
    "x @ x": "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    "x @ x.double().T": "expected m1 and m2 to have the same dtype, but got: float",
    "x @ 2": "",
    "torch.tensor(1.0) @ x": "both arguments to matmul need to be at least 1D, but they are 0D and 2D",
    "torch.ones(3) @ torch.ones(4)": "inconsistent tensor size, expected tensor [3] and src [4]",
    "torch.ones(2, 2, 3) @ torch.ones(3, 3, 3)": "The size of tensor a (2) must match the size of tensor b (3)",
    "torch.mm(x, x[0])": "mat2 must be a matrix",
    "torch.bmm(x, x)": "batch1 must be a 3D tensor",
    "torch.bmm(x[None], x[None])": "Expected size for first two dimensions of batch2 tensor to be: [1, 3] but",
    "x.dot(x)": "1D tensors expected, but got 2D and 2D tensors",
    "x.sum(2)": "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    "x.sum((0, 0))": "dim 0 appears multiple times in the list of dims",
    "x.size(2)": "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    "x.unsqueeze(3)": "Dimension out of range (expected to be in range of [-3, 2], but got 3)",
    "x.softmax(2)": "Dimension out of range",
    "i.softmax(0)": "",
    "i.float().long().mean()": "mean(): could not infer output dtype",
    "x.view(4)": "shape '[4]' is invalid for input of size 6",
    "x.view(-1, 4)": "shape '[-1, 4]' is invalid for input of size 6",
    "x.view(-1, -1)": "only one dimension can be inferred",
    "x.T.view(6)": "view size is not compatible with input tensor's size and stride",
    "x.flatten(1, 0)": "flatten() has invalid args: start_dim cannot come after end_dim",
    "x.expand(4, 3)": "The expanded size of the tensor (4) must match the existing size (2) at non-singleton",
    "x.expand(3)": "expand(",
    "x.permute(0, 0)": "permute(): duplicate dims are not allowed.",
    "x.permute(0)": "permute(",
    "x[None].t()": "t() expects a tensor with <= 2 dimensions, but self is 3D",
    "x[0].mT": "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.",
    "x.repeat(2)": "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
    "x.chunk(0)": "chunk expects `chunks` to be greater than 0, got: 0",
    "x.split([1, 2])": "split_with_sizes expects split_sizes to sum exactly to 2 (input tensor's size at dimension 0)",
    "x.topk(9)": "selected index k out of range",
    "torch.zeros(0).max()": "max(): Expected reduction dim to be specified for input.numel() == 0.",
    "torch.zeros(0, 2).max(0)": "max(): Expected reduction dim 0 to have non-zero size.",
    "torch.zeros(0).argmax()": "argmax(): Expected reduction dim to be specified for input.numel() == 0.",
    "-b": "Negation, the `-` operator, on a bool tensor is not supported.",
    "b - b": "Subtraction, the `-` operator, with two bool tensors is not supported.",
    "i ** -1": "Integers to negative integer powers are not allowed.",
    "i // torch.zeros(2, 3, dtype=torch.int64)": "ZeroDivisionError",
    "i % torch.zeros(2, 3, dtype=torch.int64)": "ZeroDivisionError",
    "x[5]": "index 5 is out of bounds for dimension 0 with size 2",
    "x[0, 0, 0]": "too many indices for tensor of dimension 2",
    "x[1.5]": "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices",
    "x[torch.tensor(1.0)]": "tensors used as indices must be long, int, byte or bool tensors",
    "x[::-1]": "step must be greater than zero",
    "x[torch.tensor([5])]": "index 5 is out of bounds for dimension 0 with size 2",
    "x[torch.tensor([True])]": "",
    "x.gather(1, torch.tensor([0]))": "Index tensor must have the same number of dimensions as input tensor",
    "x.gather(1, torch.tensor([[5]]))": "index 5 is out of bounds for dimension 1 with size 3",
    "x.index_select(0, torch.tensor([5]))": "index",
    "x.masked_fill(i, 0)": "masked_fill",
    "x.item()": "a Tensor with 6 elements cannot be converted to Scalar",
    "bool(x)": "Boolean value of Tensor with more than one value is ambiguous",
    "bool(torch.zeros(0))": "Boolean value of Tensor with no values is ambiguous",
    "int(x)": "only one element tensors can be converted to Python scalars",
    "[1][x[0, 0]]": "only integer tensors of a single element can be converted to an index",
    "len(x[0, 0])": "len() of a 0-d tensor",
    "list(x[0, 0])": "iteration over a 0-d tensor",
    "format(x, '.2f')": "unsupported format string passed to Tensor.__format__",
    "w.numpy()": "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
    "np.asarray(w)": "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
    "w.add_(1)": "a leaf Variable that requires grad is being used in an in-place operation.",
    "w[0].add_(1)": "a view of a leaf Variable that requires grad is being used in an in-place operation.",
    "w.__setitem__(0, 1)": "a view of a leaf Variable that requires grad is being used in an in-place operation.",
    "w.__setitem__(b, 1)": "a leaf Variable that requires grad is being used in an in-place operation.",
    "w.__setitem__(slice(None), 1)": "a ",
    "w.backward()": "grad can be implicitly created only for scalar outputs",
    "x.backward()": "element 0 of tensors does not require grad and does not have a grad_fn",
    "w.sum().backward(torch.ones(2))": "Mismatch in shape: grad_output[0] has a shape of",
    "(w * 1).requires_grad_(False)": "you can only change requires_grad flags of leaf variables.",
    "i.requires_grad_()": "only Tensors of floating point dtype can require gradients",
    "x.retain_grad()": "can't retain_grad on Tensor that has requires_grad=False",
    "setattr(w, 'grad', torch.ones(2))": "attempting to assign a gradient of size '[2]' to a tensor of size '[2, 3]'.",
    "setattr(w, 'grad', torch.ones(2, 3).double())": "attempting to assign a gradient with dtype",
    "setattr(w, 'grad', 3)": "assigned grad expected to be a Tensor or None but got grad of type int",
    "setattr(x, 'data', 3)": "Variable data has to be a tensor, but got int",
    "x.add_(torch.ones(4, 2, 3))": "output with shape [2, 3] doesn't match the broadcast shape [4, 2, 3]",
    "i.add_(1.5)": "result type Float can't be cast to the desired output type Long",
    "x[:1].expand(4, 3).add_(1)": "unsupported operation: more than one element of the written-to tensor refers to",
    "x.__setitem__(0, torch.ones(2))": "The expanded size of the tensor (3) must match the existing size (2)",
    "x.__setitem__([0, 1], torch.ones(2))": "shape mismatch: value tensor of shape [2] cannot be broadcast to",
    "copy.deepcopy(w * 1)": "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol",
    "torch.manual_seed('a')": "invalid literal for int",
    "torch.allclose(x, x.double())": "Float did not match Double",
}  # fmt: skip

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
y = w.expand(4, 2, 3).sum() + w.repeat(1, 2).sum()
y = (w / (w + 1)).sqrt().abs().square().log().sum()
y = (2.0 ** w).sum() + (w ** w).sum()
y = w.unflatten(1, (3, 1)).squeeze().movedim(0, 1).flip(0)[0].sum()
"""

REPRS = """
torch.tensor(1.0)
torch.tensor(0.5)
torch.tensor(3)
torch.tensor(True)
torch.tensor([])
torch.zeros(0, 3)
torch.zeros(0, dtype=torch.int64)
torch.zeros(2, 0, 3)
torch.zeros(2, 3)
x
x * 1e-5
x * 1e6
x * 1e3
torch.tensor([1e-5, 1.0])
torch.tensor([1.0, 1e9])
torch.tensor([1.0, 2000.5])
torch.tensor([1.0, -20.0])
torch.tensor([float("nan"), 1.0, float("inf")])
torch.tensor([float("nan"), 1.5, float("-inf")])
torch.tensor([0.0, 1e-9])
torch.tensor([[True, False]])
torch.tensor([1, -200, 3])
x.double()
i.to(torch.int32)
w
w * 2
(w[0, 0] * 2)
torch.arange(100)
torch.arange(100.0) / 7
torch.arange(1001)
torch.arange(2000.0).reshape(2, 1000)
torch.arange(1200).reshape(10, 10, 12)
torch.arange(2400.0).reshape(2, 3, 20, 20)
torch.ones(2, 2, 2)
torch.linspace(-1, 1, 12)[None]
torch.nn.Parameter(torch.ones(2))
torch.nn.Parameter(x)
x.shape
torch.Size([])
[x[0], x[1]]
torch.device("cpu")
"""


def namespace(module: Any) -> dict[str, Any]:
    values = np.linspace(0.1, 0.9, 6).reshape(2, 3).astype(np.float32)[:, [1, 0, 2]]
    return {
        "torch": module,
        "np": np,
        "copy": copy,
        "x": module.from_numpy(values.copy()),
        "w": module.tensor(values, requires_grad=True),
        "i": module.tensor([[3, 1, 2], [4, 6, 5]]),
        "b": module.tensor([[True, False, True], [False, False, True]]),
    }


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


def same(found: Any, expected: Any) -> None:
    if isinstance(expected, torch.Tensor):
        assert found.shape == tuple(expected.shape)
        assert str(found.dtype) == str(expected.dtype).removeprefix("torch.")
        assert found.requires_grad == expected.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=3e-6, atol=1e-7)
    elif isinstance(expected, torch.Size):
        assert type(found) is numbarnn.Size
        assert found == tuple(expected)
    elif isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected)
    elif isinstance(expected, torch.dtype):
        assert str(found) == str(expected).removeprefix("torch.")
    else:
        assert found == expected


@pytest.mark.filterwarnings("ignore")  # torch's own, about things that it would do otherwise
@pytest.mark.parametrize("expression", lines(EXPRESSIONS))
def test_values_and_types(expression: str) -> None:
    same(eval(expression, namespace(numbarnn)), eval(expression, namespace(torch)))


def error_of(expression: str, module: Any) -> Exception:
    try:
        eval(expression, namespace(module))
    except Exception as error:
        return error
    raise AssertionError(f"{module.__name__} raised nothing")


@pytest.mark.filterwarnings("ignore")  # torch's own, about things that it would do otherwise
@pytest.mark.parametrize("expression", ERRORS)
def test_errors(expression: str) -> None:
    ours, theirs = error_of(expression, numbarnn), error_of(expression, torch)
    stem = ERRORS[expression]
    assert type(ours) is type(theirs)
    assert str(theirs).startswith(stem)
    assert str(ours).startswith(stem)


@pytest.mark.parametrize("program", lines(PROGRAMS))
def test_gradients(program: str) -> None:
    grads = []
    for module in (numbarnn, torch):
        names = namespace(module)
        exec(program, names)
        names["y"].backward()
        grads.append((names["y"], names["w"].grad))
    same(*grads)


@pytest.mark.parametrize("expression", lines(REPRS))
def test_text(expression: str) -> None:
    ours = repr(eval(expression, namespace(numbarnn)))
    assert ours.replace("numbarnn.", "") == repr(eval(expression, namespace(torch))).replace("torch.", "")
