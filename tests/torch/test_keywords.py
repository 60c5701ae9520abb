"""Beside torch: every argument of every operation by the name that torch has for it, and by NumPy's."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from side_by_side import namespace, same

import numbarnn
from numbarnn import Tensor
from numbarnn.tensors import functions
from numbarnn.tensors.methods import Methods

torch = pytest.importorskip("torch")

#: arguments by torch's names, as text; of functions there is also `input`, of methods it is x
CALLS = {
    "abs": "", "add": "other=i, alpha=2", "add_": "other=x, alpha=2", "all": "dim=1, keepdim=True",
    "allclose": "other=x, rtol=1e-3, atol=1e-3, equal_nan=True", "amax": "dim=(0, 1), keepdim=True",
    "amin": "dim=1, keepdim=True", "any": "dim=1, keepdim=True", "argmax": "dim=1, keepdim=True",
    "argmin": "dim=1, keepdim=True", "argsort": "dim=1, descending=True, stable=True", "bmm": "mat2=y[None]",
    "chunk": "chunks=2, dim=1", "clamp": "min=0.2, max=0.6", "clamp_": "min=0.2, max=0.6",
    "contiguous": "", "copy_": "other=i, non_blocking=True", "cos": "", "cumsum": "dim=1, dtype=torch.float64",
    "diag": "diagonal=1", "dim": "", "div": "other=i, rounding_mode='floor'", "div_": "other=i, rounding_mode='trunc'",
    "dot": "tensor=x[1]", "eq": "other=x", "equal": "other=x", "exp": "", "exp_": "", "expand": "size=(4, 2, -1)",
    "expand_as": "other=i", "fill_": "value=2", "flatten": "start_dim=0, end_dim=1", "flip": "dims=(0, 1)",
    "floor": "", "gather": "dim=1, index=i % 3, sparse_grad=False", "ge": "other=x", "gt": "other=0.5",
    "index_select": "dim=1, index=k", "is_contiguous": "", "isfinite": "", "isinf": "",
    "isnan": "", "le": "other=x", "log": "", "log_softmax": "dim=1, dtype=torch.float64", "lt": "other=x",
    "masked_fill": "mask=b, value=3", "masked_fill_": "mask=b, value=3", "masked_select": "mask=b",
    "matmul": "other=y", "max": "dim=1, keepdim=True", "maximum": "other=y.t()", "mean": "dim=1, keepdim=True",
    "min": "dim=1, keepdim=True", "minimum": "other=y.t()", "mm": "mat2=y",
    "movedim": "source=(0, 1), destination=(1, 0)",
    "mul": "other=i", "mul_": "other=i", "narrow": "dim=1, start=1, length=2", "ne": "other=x", "neg": "", "neg_": "",
    "nonzero": "as_tuple=True", "norm": "p=1, dim=1, keepdim=True, dtype=torch.float64", "normal_": "mean=0, std=0",
    "numel": "", "outer": "vec2=x[1]", "permute": "dims=(1, 0)", "pow": "exponent=2", "pow_": "exponent=2",
    "prod": "dim=1, keepdim=True, dtype=torch.float64", "relu": "", "relu_": "", "repeat": "repeats=(2, 1)",
    "reshape": "shape=(3, 2)", "reshape_as": "other=y", "roll": "shifts=1, dims=1", "round": "decimals=1",
    "scatter": "dim=1, index=i % 3, src=x", "scatter_": "dim=1, index=i % 3, value=2, reduce='add'", "sigmoid": "",
    "sigmoid_": "", "sign": "", "sin": "", "size": "dim=1", "softmax": "dim=1, dtype=torch.float64",
    "sort": "dim=1, descending=True, stable=True", "split": "split_size=2, dim=1", "sqrt": "", "sqrt_": "",
    "square": "", "squeeze": "dim=0", "std": "dim=1, correction=0, keepdim=True", "stride": "dim=1",
    "sub": "other=i, alpha=2", "sub_": "other=x, alpha=2", "sum": "dim=1, keepdim=True, dtype=torch.float64", "t": "",
    "tanh": "", "tanh_": "", "topk": "k=2, dim=1, largest=True, sorted=True", "transpose": "dim0=0, dim1=1",
    "unbind": "dim=1", "unflatten": "dim=1, sizes=(3, 1)", "uniform_": "to=0", "unsqueeze": "dim=1",
    "var": "dim=1, unbiased=False, keepdim=True", "view": "size=(3, 2)", "view_as": "other=y",
    "where": "condition=b, other=i", "zero_": "",
}  # fmt: skip
#: what differs in the function of the name
FUNCTIONS = {
    "cat": "tensors=(x, x), dim=1", "stack": "tensors=(x, x), dim=1", "is_tensor": "x", "clone": "input=x",
    "is_floating_point": "input=x",
    "split": "tensor=x, split_size_or_sections=2, dim=1", "where": "condition=b, input=x, other=i",
}  # fmt: skip
#: torch writes these in Python, with their own names alone, or in another way (argument `from`)
OWN_NAMES_ALONE = ("norm", "split", "unflatten", "is_tensor", "stride", "size", "uniform_", "nonzero", "t")

#: conversions, hooks and factories have tests of their own
THEMES = (
    "Arithmetic",
    "Comparison",
    "Elementwise",
    "Indexing",
    "InPlace",
    "Products",
    "Reductions",
    "Scatter",
    "Shaping",
)
METHODS = sorted(
    name
    for theme in Methods.__bases__
    if theme.__name__ in THEMES
    for name, method in vars(theme).items()
    if inspect.isfunction(method) and not name.startswith("_")
)
NAMES = [
    name
    for name in numbarnn.__all__
    if inspect.isfunction(getattr(numbarnn, name))
    and getattr(numbarnn, name).__module__ in (numbarnn.__name__, functions.__name__)
]


def test_every_operation_is_here() -> None:
    assert set(METHODS) == set(CALLS)
    assert set(NAMES) <= {*CALLS, *FUNCTIONS}


def evaluated(module: Any, call: str, name: str) -> Any:
    names = namespace(module)
    names.update(y=module.ones(3, 2) / 2, k=module.tensor([2, 0]))
    x = names["x"]
    names["z"] = x[None] if name == "bmm" else x[0] if name in ("dot", "outer") else x.clone()
    return eval(call, names)


def in_numpys_names(arguments: str) -> str:
    for own, other in (("dim=", "axis="), ("keepdim=", "keepdims="), ("other=", "x2=")):
        arguments = ", ".join(a.replace(own, other, 1) if a.startswith(own) else a for a in arguments.split(", "))
    return arguments


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    calls = [f"z.{name}({CALLS[name]})"]
    if name not in OWN_NAMES_ALONE:
        calls.append(f"z.{name}({in_numpys_names(CALLS[name])})")
    for call in calls:
        same(evaluated(numbarnn, call, name), evaluated(torch, call, name))


@pytest.mark.parametrize("name", NAMES)
def test_functions(name: str) -> None:
    arguments = FUNCTIONS.get(name, f"input=z, {CALLS.get(name, '')}")
    calls = [f"torch.{name}({arguments})"]
    if name not in OWN_NAMES_ALONE:
        calls.append(f"torch.{name}({in_numpys_names(arguments)})")
        if arguments.startswith("input=z"):
            calls += [f"torch.{name}({arguments.replace('input=', first)})" for first in ("x=", "a=", "x1=")]
    for call in calls:
        same(evaluated(numbarnn, call, name), evaluated(torch, call, name))


REFUSED = [
    "torch.sum(x, dim=0, axis=0)", "x.sum(0, axis=0)", "x.sum(axes=0)", "x.flip(0, dims=(1,))", "torch.sum(dim=0)",
    "torch.sum(x=x, input=x)", "torch.add(x, x2=x, other=x)", "x.permute()", "x.reshape(shape=(2, 3), size=3)",
    "torch.exp(x, y=1)",
]  # fmt: skip


@pytest.mark.parametrize("call", REFUSED)
def test_a_name_too_many_is_a_type_error(call: str) -> None:
    for module in (numbarnn, torch):
        with pytest.raises(TypeError):
            eval(call, namespace(module))


def test_signatures_are_shown() -> None:
    assert list(inspect.signature(Tensor.sum).parameters) == ["self", "dim", "keepdim", "dtype"]
    assert list(inspect.signature(numbarnn.sum).parameters) == ["input", "dim", "keepdim", "dtype"]
