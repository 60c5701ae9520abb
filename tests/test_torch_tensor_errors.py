"""Side by side with torch: expressions that must fail with the same error."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import namespace

import numbarnn

torch = pytest.importorskip("torch")

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
