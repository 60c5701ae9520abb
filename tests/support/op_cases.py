"""The table of operations: expressions of tensors, and the same of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

import numbarnn

RNG = np.random.default_rng(0)


def some(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape)


def positive(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.uniform(0.5, 2, shape)


class Case(NamedTuple):
    """One expression, of tensors and of arrays alike where `reference` is left out."""

    function: Callable[..., Any]
    arrays: tuple[np.ndarray[Any, Any], ...]
    reference: Callable[..., Any] | None = None


ROWS = np.array([2, 0, 2, -1])
MASK = np.array([[True, False, True], [False, False, True]])
PICKS = np.array([[0, 2, 1], [1, 1, 0]])


def scattered(x: np.ndarray[Any, Any], y: Any) -> np.ndarray[Any, Any]:
    out = x.copy()
    number = isinstance(y, float)
    for i, row in enumerate(PICKS if number else PICKS[:, 1:]):
        for j, column in enumerate(row):
            out[i, column] = y if number else y[i, j]
    return out


CASES: dict[str, Case] = {
    "add": Case(lambda x, y: x + y, (some(2, 3), some(3))),
    "add number": Case(lambda x: 2 + x + 1, (some(2, 3),)),
    "add array": Case(lambda x: np.ones((2, 1)) + x, (some(2, 3),)),
    "add alpha": Case(lambda x, y: x.add(y, alpha=3), (some(2), some(2)), lambda x, y: x + 3 * y),
    "sub": Case(lambda x, y: x - y, (some(2, 1, 3), some(4, 1))),
    "sub alpha": Case(lambda x, y: x.sub(y, alpha=3), (some(2), some(2)), lambda x, y: x - 3 * y),
    "rsub": Case(lambda x: 1 - x, (some(3),)),
    "mul": Case(lambda x, y: x * y, (some(2, 3), some(2, 1))),
    "mul self": Case(lambda x: x * x, (some(3),)),
    "div": Case(lambda x, y: x / y, (some(2, 3), positive(3))),
    "rdiv": Case(lambda x: 1 / x, (positive(3),)),
    "pow": Case(lambda x, y: x**y, (positive(2, 3), some(3))),
    "pow 2": Case(lambda x: x**2, (some(3),)),
    "pow 0": Case(lambda x: x**0, (np.array([0.0, 1, 2]),)),
    "rpow": Case(lambda x: 2**x, (some(3),)),
    "divide down": Case(lambda x, y: x.div(y, rounding_mode="floor"), (some(5), some(5)), np.floor_divide),
    "divide to 0": Case(lambda x, y: x.div(y, rounding_mode="trunc"), (some(5), some(5)), lambda x, y: np.trunc(x / y)),
    "remainder": Case(lambda x, y: x % y, (some(5), positive(5))),
    "neg": Case(lambda x: -x, (some(3),)),
    "abs": Case(lambda x: abs(x), (some(3),)),
    "sign": Case(lambda x: x.sign(), (some(3),), np.sign),
    "floor": Case(lambda x: x.floor(), (some(3),), np.floor),
    "round": Case(lambda x: x.round(), (some(3),), np.round),
    "round decimals": Case(lambda x: x.round(decimals=1), (some(3),), lambda x: np.round(x, 1)),
    "exp": Case(numbarnn.exp, (some(2, 3),), np.exp),
    "log": Case(numbarnn.log, (positive(2, 3),), np.log),
    "sqrt": Case(numbarnn.sqrt, (positive(2, 3),), np.sqrt),
    "square": Case(lambda x: x.square(), (some(2, 3),), np.square),
    "sin": Case(numbarnn.sin, (some(2, 3),), np.sin),
    "cos": Case(numbarnn.cos, (some(2, 3),), np.cos),
    "tanh": Case(numbarnn.tanh, (some(2, 3),), np.tanh),
    "relu": Case(numbarnn.relu, (some(2, 3),), lambda x: np.maximum(x, 0)),
    "sigmoid": Case(numbarnn.sigmoid, (some(2, 3),), special.expit),
    "maximum": Case(lambda x, y: x.max(y), (some(2, 3), some(3)), np.maximum),
    "minimum": Case(lambda x, y: x.min(y), (some(2, 3), some(3)), np.minimum),
    "clamp": Case(lambda x: x.clamp(-0.5, 0.5), (some(2, 3),), lambda x: np.clip(x, -0.5, 0.5)),
    "clamp min": Case(lambda x: x.clamp(min=0), (some(2, 3),), lambda x: np.maximum(x, 0)),
    "clamp max": Case(lambda x: x.clamp(max=0), (some(2, 3),), lambda x: np.minimum(x, 0)),
    "clamp tensors": Case(lambda x, y, z: x.clamp(y, z), (some(2, 3), some(3), some(2, 1)), np.clip),
    "clamp min tensor": Case(lambda x, y: x.clamp(y), (some(2, 3), some(3)), np.maximum),
    "clamp max tensor": Case(lambda x, y: x.clamp(max=y), (some(2, 3), some(3)), np.minimum),
    "where": Case(lambda x, y: numbarnn.where(MASK, x, y), (some(2, 3), some(3)), lambda x, y: np.where(MASK, x, y)),
    "where mask": Case(lambda x, y: x.where(MASK, y), (some(2, 3), some(3)), lambda x, y: np.where(MASK, x, y)),
    "masked_fill": Case(lambda x: x.masked_fill(MASK, 7), (some(2, 3),), lambda x: np.where(MASK, 7, x)),
    "masked_fill tensor": Case(
        lambda x, y: x.masked_fill(MASK, y.sum()), (some(2, 3), some(2)), lambda x, y: np.where(MASK, y.sum(), x)
    ),
    "fill_ tensor": Case(lambda x, y: (x * 1).fill_(y.sum()) * 3, (some(2), some(2)), lambda x, y: 3 * y.sum() + 0 * x),
    "sum": Case(lambda x: x.sum(), (some(2, 3),)),
    "sum dim": Case(lambda x: x.sum(-1), (some(2, 3),)),
    "sum dims": Case(lambda x: x.sum((0, 2), keepdim=True), (some(2, 3, 4),), lambda x: x.sum((0, 2), keepdims=True)),
    "mean": Case(lambda x: x.mean(), (some(2, 3),)),
    "mean dim": Case(lambda x: x.mean(0), (some(2, 3),)),
    "var": Case(lambda x: x.var(), (some(2, 3),), lambda x: x.var(ddof=1)),
    "var dim": Case(lambda x: x.var(1, unbiased=False), (some(2, 3),), lambda x: x.var(1)),
    "std": Case(lambda x: x.std(0, keepdim=True), (some(4, 3),), lambda x: x.std(0, ddof=1, keepdims=True)),
    "norm": Case(lambda x: x.norm(), (some(2, 3),), np.linalg.norm),
    "norm dim": Case(lambda x: x.norm(dim=1), (some(2, 3),), lambda x: np.linalg.norm(x, axis=1)),
    "norm 1": Case(lambda x: x.norm(1), (some(5),), lambda x: np.abs(x).sum()),
    "norm 3": Case(lambda x: x.norm(3), (some(5),), lambda x: (np.abs(x) ** 3).sum() ** (1 / 3)),
    "norm inf": Case(lambda x: x.norm(float("inf")), (some(5),), lambda x: np.abs(x).max()),
    "norm -inf": Case(lambda x: x.norm(-float("inf")), (some(5),), lambda x: np.abs(x).min()),
    "norm 0": Case(lambda x: x.norm(0, dim=1), (np.array([[0.0, 2, 0], [3, 4, 5]]),), lambda x: np.array([1.0, 3])),
    "norm half": Case(lambda x: x.norm(0.5), (some(5),), lambda x: (np.abs(x) ** 0.5).sum() ** 2),
    "norm -2": Case(lambda x: x.norm(-2), (some(5),), lambda x: (x**-2).sum() ** -0.5),
    "prod": Case(lambda x: x.prod(), (some(2, 3),)),
    "prod with zeros": Case(lambda x: x.prod(0), (np.array([[0.0, 2, 0], [3, 4, 0], [5, 6, 7]]),)),
    "amax": Case(lambda x: x.amax(1), (some(2, 3),), lambda x: x.max(1)),
    "amin": Case(lambda x: x.amin(0, keepdim=True), (some(2, 3),), lambda x: x.min(0, keepdims=True)),
    "max all": Case(lambda x: x.max(), (some(2, 3),)),
    "min all": Case(lambda x: x.min(), (some(2, 3),)),
    "max dim": Case(lambda x: x.max(1).values, (some(2, 3),), lambda x: x.max(1)),
    "min dim": Case(lambda x: x.min(0, keepdim=True)[0], (some(2, 3),), lambda x: x.min(0, keepdims=True)),
    "cumsum": Case(lambda x: x.cumsum(1), (some(2, 3),)),
    "softmax": Case(lambda x: x.softmax(-1), (some(2, 3),), lambda x: special.softmax(x, -1)),
    "log_softmax": Case(lambda x: x.log_softmax(0), (some(2, 3),), lambda x: special.log_softmax(x, 0)),
    "sort": Case(lambda x: x.sort(1).values, (some(2, 3),), lambda x: np.sort(x, 1)),
    "topk": Case(lambda x: x.topk(2).values, (some(2, 3),), lambda x: -np.sort(-x, 1)[:, :2]),
    "reshape": Case(lambda x: x.reshape(3, -1), (some(2, 3),)),
    "view": Case(lambda x: x.view((6,)), (some(2, 3),), lambda x: x.reshape(6)),
    "flatten": Case(lambda x: x.flatten(1), (some(2, 3, 4),), lambda x: x.reshape(2, 12)),
    "unflatten": Case(lambda x: x.unflatten(1, (3, -1)), (some(2, 6),), lambda x: x.reshape(2, 3, 2)),
    "permute": Case(lambda x: x.permute(2, 0, 1), (some(2, 3, 4),), lambda x: x.transpose(2, 0, 1)),
    "transpose": Case(lambda x: x.transpose(0, -1), (some(2, 3, 4),), lambda x: x.swapaxes(0, 2)),
    "movedims": Case(lambda x: x.movedim((0, 2), (1, 0)), (some(2, 3, 4),), lambda x: np.moveaxis(x, (0, 2), (1, 0))),
    "movedim": Case(lambda x: x.movedim(0, 2), (some(2, 3, 4),), lambda x: np.moveaxis(x, 0, 2)),
    "T": Case(lambda x: x.T, (some(2, 3),)),
    "mT": Case(lambda x: x.mT, (some(2, 3, 4),), lambda x: x.swapaxes(1, 2)),
    "squeeze": Case(lambda x: x.squeeze(), (some(1, 3, 1),)),
    "squeeze dim": Case(lambda x: x.squeeze(0), (some(1, 3, 1),)),
    "unsqueeze": Case(lambda x: x.unsqueeze(-1), (some(2, 3),), lambda x: x[..., None]),
    "expand": Case(lambda x: x.expand(4, 2, -1), (some(2, 1),), lambda x: np.broadcast_to(x, (4, 2, 1))),
    "repeat": Case(lambda x: x.repeat(2, 1, 3), (some(2, 2),), lambda x: np.tile(x, (2, 1, 3))),
    "flip": Case(lambda x: x.flip(0, 1), (some(2, 3),), np.flip),
    "contiguous": Case(lambda x: x.T.contiguous(), (some(2, 3),), np.transpose),
    "clone": Case(lambda x: x.clone(), (some(2, 3),), np.copy),
    "copy": Case(lambda x, y: x.clone().copy_(y), (some(2, 3), some(3)), lambda x, y: np.broadcast_to(y, (2, 3))),
    "cast": Case(lambda x: x.float().double(), (np.arange(3.0),), lambda x: x),
    "cat": Case(lambda x, y: numbarnn.cat([x, y, x], 1), (some(2, 3), some(2, 1)), lambda x, y: np.hstack([x, y, x])),
    "cat empty": Case(lambda x: numbarnn.cat([numbarnn.tensor([]), x], 1), (some(2, 3),), lambda x: x),
    "stack": Case(lambda x, y: numbarnn.stack([x, y], -1), (some(2, 3), some(2, 3)), lambda x, y: np.stack([x, y], -1)),
    "roll": Case(lambda x: x.roll(4), (some(2, 3),), lambda x: np.roll(x, 4)),
    "roll dims": Case(lambda x: x.roll((1, -2), (0, 1)), (some(2, 3),), lambda x: np.roll(x, (1, -2), (0, 1))),
    "diag row": Case(lambda x: x.diag(-1), (some(3),), lambda x: np.diag(x, -1)),
    "diag mat": Case(lambda x: x.diag(1), (some(3, 4),), lambda x: np.diag(x, 1)),
    "diag mat low": Case(lambda x: x.diag(-1), (some(3, 4),), lambda x: np.diag(x, -1)),
    "scatter row": Case(lambda x, y: x.scatter(1, PICKS[:, 1:], y), (some(2, 4), some(3, 3)), scattered),
    "scatter index number": Case(lambda x: x.scatter(1, PICKS, 7.0), (some(2, 4),), lambda x: scattered(x, 7.0)),
    "index int": Case(lambda x: x[1], (some(2, 3),)),
    "index mixed": Case(lambda x: x[..., None, 1:], (some(2, 3),)),
    "index tuple": Case(lambda x: x[1, ::2], (some(2, 3),)),
    "index rows": Case(lambda x: x[ROWS], (some(3, 2),)),
    "index pairs": Case(lambda x: x[[0, 1, 1], [2, 0, 0]], (some(2, 3),)),
    "index mask": Case(lambda x: x[MASK], (some(2, 3),)),
    "index beside": Case(lambda x: x[0, :, [1, 1]], (some(2, 3, 4),), lambda x: x[0][:, [1, 1]]),
    "gather": Case(lambda x: x.gather(1, PICKS), (some(2, 3),), lambda x: np.take_along_axis(x, PICKS, 1)),
    "gather 0-d": Case(lambda x: x.sum().gather(0, PICKS[0, :1]), (some(2, 3),), lambda x: x.sum().reshape(1)),
    "sort 0-d": Case(lambda x: x.sum().sort().values, (some(2, 3),), np.sum),
    "gather short": Case(lambda x: x.gather(0, PICKS[:1, :2]), (some(3, 3),), lambda x: x[PICKS[:1, :2], [[0, 1]]]),
    "gather nothing": Case(lambda x: x.gather(0, PICKS[:0, 0]), (some(3, 3),), lambda x: x[:0, 0]),
    "index_select": Case(lambda x: x.index_select(1, ROWS[:2]), (some(2, 3),), lambda x: x[:, [2, 0]]),
    "masked_select": Case(lambda x: x.masked_select(MASK), (some(2, 3),), lambda x: x[MASK]),
    "narrow": Case(lambda x: x.narrow(1, 1, 2), (some(2, 3),), lambda x: x[:, 1:]),
    "unbind": Case(lambda x: x.unbind(1)[2], (some(2, 3),), lambda x: x[:, 2]),
    "iterate": Case(lambda x: numbarnn.stack([2 * row for row in x]), (some(2, 3),), lambda x: 2 * x),
    "split": Case(lambda x: x.split(2, 1)[1], (some(2, 3),), lambda x: x[:, 2:]),
    "split sizes": Case(lambda x: x.split([1, 2])[1], (some(3, 2),), lambda x: x[1:]),
    "chunk": Case(lambda x: x.chunk(2)[0], (some(5, 2),), lambda x: x[:3]),
    "matmul": Case(lambda x, y: x @ y, (some(2, 3), some(3, 4))),
    "matmul vector": Case(lambda x, y: x @ y, (some(2, 3), some(3))),
    "vector matmul": Case(lambda x, y: x @ y, (some(3), some(3, 2))),
    "vector batch": Case(lambda x, y: x @ y, (some(3), some(4, 3, 2))),
    "batch vector": Case(lambda x, y: x @ y, (some(4, 2, 3), some(3))),
    "matmul batch": Case(lambda x, y: x @ y, (some(4, 2, 3), some(3, 2))),
    "matmul broadcast": Case(lambda x, y: x @ y, (some(4, 1, 2, 3), some(5, 3, 2))),
    "array matmul": Case(lambda x: np.ones((2, 3)) @ x, (some(3, 2),)),
    "outer mat": Case(lambda x, y: x.outer(y), (some(3), some(2)), np.outer),
    "dot": Case(lambda x, y: x.dot(y), (some(3), some(3))),
    "mm": Case(numbarnn.mm, (some(2, 3), some(3, 2)), np.matmul),
    "bmm": Case(numbarnn.bmm, (some(4, 2, 3), some(4, 3, 2)), np.matmul),
}
