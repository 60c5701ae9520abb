"""Beside torch: operations on inputs of every shape and type, with values, types, gradients, and errors as in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from side_by_side import lines

import numbarnn

torch = pytest.importorskip("torch")

SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (3,), (2, 3), (0, 3), (2, 0), (1, 3), (2, 1, 3))
KINDS = ("float32", "float64", "int32", "int64", "bool")

#: {} stands for each of the names before the colon
TABLE = """
sum mean prod amax amin: x.{}() | x.{}(0) | x.{}(dim=-1, keepdim=True) | x.{}(1) | x.{}(5) | torch.{}(x, axis=0)
sum mean all any var std: x.{}(dim=[0, -1]) | x.{}((0,), keepdims=True) | x.{}(dim=(0, 0))
amax amin: x.{}((0,), keepdims=True) | x.{}(dim=()) | x.{}(True)
sum amax all var: x.{}("a") if x.is_floating_point() else 0 | x.{}(1.0) if x.is_floating_point() else 0
sum mean: x.{}(dim=()) | x.{}(None) | x.{}(dim=None, keepdim=True) | x.{}(dtype=torch.float64)
sum mean: x.{}(dim=torch.tensor(0)) | x.{}(np.int64(0))
sum prod: x.detach().{}(dtype=torch.bool) | x.detach().{}(0, dtype=torch.int64) | x.detach().{}(dtype=torch.int32)
max min: x.{}() | x.{}(0) | x.{}(dim=-1, keepdim=True) | x.{}((0, 1)) | x.{}(x) | x.{}(other=x) | x.{}(x * 2)
argmax argmin: x.{}() | x.{}(0) | x.{}(dim=-1, keepdim=True) | x.{}(keepdim=True) | x.{}(5)
all any: x.{}() | x.{}(0) | x.{}(dim=-1, keepdim=True) | x.{}(dim=()) | x.{}(True)
var std: x.{}() | x.{}(0) | x.{}(-1, False) | x.{}(False) | x.{}(dim=0, correction=0, keepdim=True)
cumsum: x.{}(0) | x.{}(dim=-1) | x.{}(axis=0) | x.{}(5)
cumsum: x.{}(0, dtype=torch.float64) | x.detach().{}(0, dtype=torch.int32)
sort argsort: x.{}() | x.{}(0) | x.{}(-1, descending=True) | x.{}(axis=0) | x.{}(dim=5) | x.{}(stable=True)
topk: x.{}(1) | x.{}(2, 0) | x.{}(0) | x.{}(9) | x.{}(1, largest=False) | x.{}(k=1, axis=-1)
softmax log_softmax: x.{}(0, dtype=torch.float64) | torch.{}(x, axis=-1, dtype=torch.float64) | x.{}(5)
softmax log_softmax: x.float().{}(-1) | x.float().{}(0)
abs sign floor round exp log sqrt square sin cos tanh relu sigmoid neg: x.{}() | torch.{}(x)
isnan isinf isfinite clone: x.{}() | torch.{}(x)
add sub mul div: x.{}(2) | x.{}(2.5) | x.{}(x) | x.{}(True) | x.{}(None) | torch.{}(2, x)
add sub mul div: x.{}(x2=2) | x.{}(x.double())
add sub: x.{}(x, alpha=2) | x.{}(1, alpha=2.5) | x.{}(1, alpha=True) | x.{}(x, alpha=0)
maximum minimum: x.{}(x) | x.{}(2) | x.{}(x2=x * 2) | torch.{}(x, 2) | torch.{}(2, x)
eq ne lt le gt ge: x.{}(1) | x.{}(0.5) | x.{}(x) | x.{}(None) | torch.{}(x, 1) | torch.{}(2, x) | x.{}(True)
+ - * /: x {} 1 | x {} 1.5 | x {} True | 2 {} x | 1.5 {} x | x {} x | x {} None | x {} "a" | x {} np.float64(2)
// %: x.detach() {} 2 | x.detach() {} 2.5 | x.detach() {} 0 | x.detach() {} -2
// %: 2 {} (x.detach().abs() + 1) | x.detach() {} x.detach()
& | ^: x {} True | x {} 1 | x {} x
**: x {} 2 | x {} 2.0 | x {} 0 | x {} -1 | x {} True | x {} 0.5 | 2 {} x | 2.5 {} x | x {} x.detach().clone().double()
> < == !=: x {} 1 | x {} 0.5 | x {} None | 1 {} x | x {} x
div: x.{}(2, rounding_mode="floor") | x.{}(-2, rounding_mode="trunc") | x.{}(2.5, rounding_mode="trunc")
div: x.{}(2, rounding_mode=None) | x.{}(0, rounding_mode="trunc") | x.{}(0, rounding_mode="floor")
div: x.{}(2, rounding_mode="x") | torch.{}(x, x.detach() + 9, rounding_mode="floor")
round: x.{}(decimals=1) | torch.{}(x, decimals=-1) | x.{}(decimals=1.5)
clamp: x.{}(0, 1) | x.{}(0.5) | x.{}(max=1) | x.{}(2, 1) | x.{}(float("nan")) | x.{}() | x.{}("a") | x.{}(-1e300, 1e300)
clamp: x.{}(min=x) | x.{}(max=x * 0) | x.{}(x, x * 2) | x.{}(x * 2, x) | x.{}(x.double()) | x.{}(x, 1)
masked_fill: x.{}(x > 0, 1) | x.{}(x > 0, 1.5) | x.{}(x > 0, True) | x.{}(x, 1) | x.{}(True, 1) | x.{}(x > 0, 1e300)
torch.where: {}(x > 0, x, 0) | {}(x > 0, x, 0.5) | {}(x > 0, 1, x) | {}(x > 0, x, x.double()) | {}(x, x, x) | {}(x > 0)
where: x.{}(x > 0, 1) | x.{}(x > 0, 1.5) | x.{}(x > 0, x) | x.{}(True, x)
equal allclose: x.{}(x) | x.{}(1) | torch.{}(x, x + 1)
pow_: h.{}(2) | h.{}(2.5) | h.{}("a")
add_ sub_ mul_ div_: h.{}(2) | h.{}(2.5) | h.{}(x) | h.{}(x.double()) | h.{}("a")
add_ sub_: h.{}(x, alpha=2) | h.{}(x, alpha=2.5)
clamp_ fill_ copy_: h.{}(2) | h.{}(0.5) | h.{}("a") | h.{}(x > 0)
fill_: h.{}(float("nan")) | h.{}(1e300) | h.{}(x) | h.{}(None)
masked_fill_: h.{}(x > 0, 1) | h.{}(x > 0, 1.5) | h.{}(x, 1)
neg_ exp_ sqrt_ tanh_ relu_ sigmoid_ zero_: h.{}()
ipow: h.__{}__(2)
iadd isub imul itruediv iand ior ixor: h.__{}__(2) | h.__{}__(x) | h.__{}__(True)
ifloordiv imod: h.detach().__{}__(2) | h.detach().__{}__(2.5) | h.detach().__{}__(0)
flip: x.{}(0) | x.{}(0, -1) | x.{}((0,)) | x.{}(()) | x.{}() | x.{}(dims=[0]) | torch.{}(x, []) | torch.{}(x, 0)
squeeze: x.{}() | x.{}(0) | x.{}(-1) | x.{}(5) | x.{}(()) | x.{}((0, 1)) | x.{}(axis=0) | torch.{}(x, dim=(0,))
unsqueeze: x.{}(0) | x.{}(-1) | x.{}(5) | x.{}(True) | x.{}(1.0) | torch.{}(x, axis=0)
reshape view: x.{}(-1) | x.{}(3) | x.{}(()) | x.{}(-1, 1) | x.{}(2, -1) | x.{}(0, -1) | x.{}(-2) | x.{}() | x.{}(True)
flatten: x.{}() | x.{}(1) | x.{}(0, 1) | x.{}(-1, 0) | x.{}(5)
unflatten: x.{}(0, (1, -1)) | x.{}(-1, (-1, 1)) | x.{}(0, ()) | x.{}(dim=0, sizes=(7,))
permute: x.{}(0) | x.{}(1, 0) | x.{}((-1, 0)) | x.{}() | x.{}(()) | x.{}(0, 0) | torch.{}(x, dims=[0])
transpose: x.{}(0, 1) | x.{}(dim0=0, dim1=-1) | x.{}(0, 5) | x.{}(0, 0)
movedim: x.{}(0, 1) | x.{}(0, -1) | x.{}([0, 1], [1, 0]) | x.{}((0,), (1,)) | x.{}(0, 5)
t T mT: x.{}() if "{}" == "t" else x.{}
expand: x.{}(2, 3) | x.{}(2, -1) | x.{}((4, 2, 3)) | x.{}(0) | x.{}(size=(2, 1, 3)) | x.{}() | x.{}(-2, 3)
repeat: x.{}(2) | x.{}(2, 3) | x.{}((2, 1)) | x.{}(0, 2) | x.{}(2, 1, 1) | x.{}(2.0) | x.{}()
roll: x.{}(1) | x.{}(-1, 0) | x.{}((1, 2), (0, 1)) | x.{}(shifts=1, dims=0) | x.{}(1, 5) | x.{}(7) | x.{}((1, 2))
diag: x.{}() | x.{}(1) | x.{}(-1) | x.{}(5) | torch.{}(x, diagonal=0)
torch.cat: {}([x, x]) | {}([x, x], -1) | {}((x, x), axis=1) | {}([x, x], 5) | {}([x, x.double()]) | {}(x) | {}([x, 1])
torch.cat: {}((torch.tensor([]), x)) | {}((x, torch.zeros(0))) | {}((torch.zeros(0), x), 1) | {}((torch.zeros(1, 0), x))
torch.cat: {}((torch.zeros(0, dtype=torch.float64), x), -1) | {}((torch.zeros(0), torch.zeros(0)), 1) | {}([])
torch.stack: {}([x, x]) | {}([x, x], -1) | {}((x, x), axis=0) | {}([x], 5) | {}([x, x.double()]) | {}(x) | {}([x, 1])
unbind: x.{}() | x.{}(-1) | x.{}(axis=0) | x.{}(5)
split: x.{}(1) | x.{}(2, -1) | x.{}([1, 1]) | x.{}(0) | x.{}(-1) | torch.{}(x, 2, dim=-1)
chunk: x.{}(2) | x.{}(2, -1) | x.{}(0) | x.{}(7, dim=0) | x.{}(2.0)
narrow: x.{}(0, 0, 1) | x.{}(-1, 1, 1) | x.{}(0, -1, 1) | x.{}(0, 0, 9) | x.{}(0, 5, 1) | x.{}(0, 0, -1) | x.{}(0, 0, 0)
index_select: x.{}(dim=0, index=n[:0]) | x.{}(0, n.float()) | x.{}(0, [0])
index_select: x.{}(0, n[:1]) if x.numel() else 0 | x.{}(-1, n) if x.numel() else 0
index_select: x.{}(0, n[0].int()) if x.numel() else 0
gather: x.{}(0, z) | x.{}(-1, z.int()) | x.{}(0, n[:1]) | x.{}(0, n[0]) | x.{}(dim=0, index=z)
scatter: x.{}(0, z, x) | x.{}(-1, z, 1) | x.{}(0, z, value=1.5) | x.{}(0, z + 9, 1)
scatter: x.{}(0, z, x, value=1) | x.{}(0, z) | x.{}(0, z, x, reduce="x")
scatter: x.detach().{}(0, z, x.detach(), reduce="add") | x.detach().{}(0, z, 2, reduce="multiply")
scatter_: h.{}(0, z, x) | h.{}(0, z, 1) | h.detach().{}(0, z, x.detach(), reduce="multiply")
masked_select: x.{}(x > 0) | x.{}(x) | x.{}(torch.tensor(True))
norm: x.{}() | x.{}(1) | x.{}(2, 0) | x.{}(3, -1, True) | x.{}(0.5) | x.{}(-1) | x.{}(-2, 0) | x.{}(2.5, 0)
norm: x.{}(float("inf")) | x.{}(-float("inf")) | x.{}(float("inf"), 0, True) | x.{}(p=-float("inf"), dim=-1)
norm: x.detach().{}(0) | x.detach().{}(0, dim=-1, keepdim=True) | x.{}(dim=0) | x.{}("fro", 0)
norm: x.{}(1, (0,)) | x.{}(2, ()) | torch.{}(x, p=1, dim=-1) | torch.{}(x * 0) | torch.{}(x * 0, 1)
norm: torch.{}(x * 0, 3) | torch.{}(x * 0, -float("inf"))
norm: x.{}(2, 0, dtype=torch.float64) | x.{}(dtype=torch.int64) | x.{}("x")
matmul: x.{}(x.t() if x.dim() < 3 else x.mT) if x.numel() else 0 | torch.{}(x, x) if x.numel() else 0
mm bmm dot outer: x.{}(x) | torch.{}(x, x)
"""


def expressions() -> list[str]:
    found = []
    for line in lines(TABLE):
        names, calls = line.split(": ", 1)
        found += [call.strip().replace("{}", name) for name in names.split() for call in calls.split(" | ")]
    return found


def array(shape: tuple[int, ...], kind: str, transposed: bool) -> Any:
    rng = np.random.default_rng(len(shape) + sum(shape))
    shape = shape[::-1] if transposed else shape
    if kind.startswith("float"):
        values = rng.standard_normal(shape) * 2
    else:
        values = rng.integers(0, 2, shape) if kind == "bool" else rng.integers(-3, 5, shape)
    return np.asarray(values, kind).T if transposed else np.asarray(values, kind)


INPUTS = [array(shape, kind, False) for shape in SHAPES for kind in KINDS] + [array((2, 3), k, True) for k in KINDS]


def described(module: Any, result: Any) -> Any:
    """What a result is, in words and arrays that can be compared."""
    if isinstance(result, (tuple, list)):
        return [described(module, part) for part in result]
    if not isinstance(result, module.Tensor):
        return result
    kind = str(result.dtype).removeprefix("torch.")
    return kind, tuple(result.shape), result.requires_grad, result.is_contiguous(), result.detach().numpy()


def outcome(module: Any, expression: str, values: Any, requires_grad: bool) -> Any:
    """The result described and the gradient of x; or the type of the error."""
    x = module.from_numpy(values.copy(order="K"))
    if requires_grad:
        x.requires_grad_()
    names = {"torch": module, "np": np, "x": x, "h": x * 1 if requires_grad else x.clone()}
    names.update(n=module.tensor([0, 0]), z=module.zeros(tuple(x.shape), dtype=module.int64))
    try:
        result = eval(expression, names)
        for part in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(part, module.Tensor) and part.requires_grad:
                weights = np.asarray(np.arange(1, part.numel() + 1).reshape(tuple(part.shape)), values.dtype)
                (part * module.from_numpy(weights)).sum().backward(retain_graph=True)
    except Exception as error:
        return type(error)
    return described(module, result), described(module, x.grad)


def check(found: Any, expected: Any, tolerance: float) -> None:
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            check(a, b, tolerance)
    elif isinstance(expected, tuple) and len(expected) == 5:
        assert found[:3] == expected[:3]
        assert found[3] or not expected[3]  # what can be viewed in any shape there can be here
        np.testing.assert_allclose(found[4], expected[4], rtol=3 * tolerance, atol=tolerance)
    else:
        assert found == expected


@pytest.mark.filterwarnings("ignore")  # torch's own
@pytest.mark.parametrize("expression", expressions())
def test_operation(expression: str) -> None:
    for values in INPUTS:
        for requires_grad in (False, True)[: 1 + (values.dtype.kind == "f")]:
            ours, theirs = (outcome(module, expression, values, requires_grad) for module in (numbarnn, torch))
            try:
                if isinstance(theirs, tuple) and isinstance(ours, tuple):
                    check([*ours], [*theirs], 2e-5 if "float32" in str((values.dtype, theirs)) else 1e-9)
                else:
                    assert ours == theirs
            except AssertionError as error:
                where = f"of {values.dtype} {values.shape}, strides {values.strides}, requires_grad={requires_grad}"
                raise AssertionError(f"{expression} {where}: got {ours}, expected {theirs}") from error
