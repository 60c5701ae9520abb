"""Whether the layer is right on the GPU: a model there and on the CPU, both passes, shared out in every way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np

import numbarnn as nb

#: largest error, as a part of the largest element: of float32 beside float64 on the CPU, of float64 beside itself
LIMITS = {"float32": 5e-5, "float64": 1e-11}
#: what has to be right: type, H, B, T, directions, whether lengths differ, and how a loop is spread
Case = list[Any]


def cases() -> list[Case]:
    """From small to large; those that the plan would not come to are forced."""
    planned = [
        ("float32", 1, 1, 3, 1, False), ("float32", 31, 5, 9, 2, True), ("float32", 64, 1, 50, 1, False),
        ("float32", 128, 33, 20, 2, True), ("float32", 224, 8, 50, 1, False), ("float32", 257, 140, 9, 1, True),
        ("float32", 384, 1, 50, 1, False), ("float32", 512, 32, 20, 2, True), ("float32", 1000, 3, 20, 1, True),
        ("float32", 1024, 1, 20, 1, False), ("float32", 1024, 32, 20, 2, True), ("float32", 1024, 128, 5, 1, False),
        ("float32", 1760, 8, 9, 1, True), ("float32", 2560, 1, 9, 1, False), ("float32", 2560, 32, 4, 1, False),
        ("float32", 3000, 2, 3, 1, False), ("float32", 4096, 2, 3, 1, False),
        ("float64", 1, 2, 3, 1, False), ("float64", 65, 5, 9, 2, True), ("float64", 128, 1, 50, 1, False),
        ("float64", 300, 33, 9, 1, True), ("float64", 1024, 8, 9, 2, True), ("float64", 1760, 4, 4, 1, False),
        ("float64", 2560, 2, 3, 1, False),
    ]  # fmt: skip
    forced = [
        (dtype, 101, 300 if way.startswith("one") else 9, 7, 2, True, way)
        for dtype in ("float32", "float64")
        for way in ("steps", "one block 1 2", "one block 8 4", "slices 1 1", "slices 4 4", "slices 8 4")
    ]
    return [*([*case, "planned"] for case in planned), *map(list, forced)]


@contextlib.contextmanager
def spread(way: str) -> Iterator[list[str]]:
    """Loops as planned, in steps, in "one block ROWS COLUMNS", in "slices ROWS COLUMNS"; gives the plans there were."""
    from numbarnn.kernels.cuda import backend, plan

    used: list[str] = []

    def chosen(B: int, H: int, D: int, itemsize: int, chip: Any, across: int, along: int) -> Any:
        sizes = B, H, D, itemsize, chip, across, along
        if way == "planned":
            found = plan.plan(*sizes)
        elif way == "steps":
            found = None
        else:
            *kind, rows, columns = way.split()
            spread_so = plan.in_one_block if kind == ["one", "block"] else plan.in_slices
            ways = [how for _, how in spread_so(*sizes) if how.tile[:2] == (int(rows), int(columns))]
            if not ways:
                raise ValueError(f"no room for {way}")
            found = max(ways, key=lambda how: how.S)
        used.append(described(found))
        return found

    with mock.patch.object(backend.Plan, "choose", staticmethod(chosen)):
        yield used


def described(how: Any) -> str:
    """A plan in a few words."""
    if how is None:
        return "step by step"
    blocks = f"{how.slices} x {how.groups} blocks" if how.sliced else f"{how.groups} x one block"
    rows, columns, kept = how.tile
    return f"{blocks}, tiles of {rows} x {columns}, {kept} vectors kept"


def run(dtype: str, H: int, B: int, T: int, D: int, ragged: bool, way: str) -> dict[str, Any]:
    """The largest error and where it is, and the plans; ValueError if something is wrong."""
    from numbarnn.kernels.cuda import launch

    exact = _results("cpu", "float64", dtype, H, B, T, D, ragged)
    with spread(way) as plans:
        got = _results("cuda", dtype, dtype, H, B, T, D, ragged)
        launch.check()
    errors = {}
    for name, expected in exact.items():
        largest = max(float(np.max(np.abs(expected))), 1e-30)
        error = float(np.max(np.abs(got[name] - expected))) / largest
        errors[name] = error if np.isfinite(got[name]).all() else float("inf")
    worst = max(errors, key=lambda name: errors[name])
    if not errors[worst] <= LIMITS[dtype]:
        used = "; ".join(dict.fromkeys(plans))
        raise ValueError(f"{worst} is wrong by {errors[worst]:.1e} of its largest element ({used})")
    return {"error": errors[worst], "where": worst, "plans": list(dict.fromkeys(plans))}


def _results(device: str, dtype: str, drawn: str, H: int, B: int, T: int, D: int, ragged: bool) -> dict[str, Any]:
    """Output, h_n and all gradients of one model; weights and input are numbers of the type `drawn`."""
    rng, I = np.random.default_rng(H + B + T), 24
    nb.manual_seed(0)
    f = "relu" if H in (1, 31, 65) else "tanh"  # few units: of many, rounding takes one across relu's corner
    rnn = nb.nn.RNN(I, H, bidirectional=D == 2, nonlinearity=f, dtype=np.dtype(dtype))

    def there(*shape: int, scale: float = 1.0) -> Any:
        values = (scale * rng.standard_normal(shape)).astype(drawn).astype(dtype)
        return nb.tensor(values, device=device)

    rnn.to(device)
    with nb.no_grad():
        for parameter in rnn.parameters():
            parameter.copy_(there(*parameter.shape, scale=0.5 * H**-0.5))
    x, h_0 = there(T, B, I).requires_grad_(), there(D, B, H).requires_grad_()
    lengths = np.append(rng.integers(0, T, B - 1, endpoint=True), T).tolist() if ragged else None
    output, h_n = rnn(x, h_0, lengths=lengths)
    ((output * there(T, B, D * H)).sum() + (h_n * there(D, B, H)).sum()).backward()
    tensors = {"output": output, "h_n": h_n, "d_x": x.grad, "d_h_0": h_0.grad}
    tensors |= {f"d_{name}": parameter.grad for name, parameter in rnn.named_parameters()}
    return {name: tensor.detach().cpu().numpy().astype(float) for name, tensor in tensors.items()}
