"""Objects that people save: each case takes the library and returns one, the same from numbarnn and from torch.

golden/make_checkpoints.py has torch save them; the tests load those files with numbarnn, and what numbarnn saves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from golden_cases import with_weights


def weights(t: Any) -> Any:
    """The state dict of a stacked, bidirectional RNN and a layer behind it."""
    rng = np.random.RandomState(0)
    model = t.nn.ModuleList([t.nn.RNN(3, 4, num_layers=2, bidirectional=True), t.nn.Linear(8, 2)])
    return with_weights(t, model, rng).state_dict()


def training(t: Any) -> Any:
    """What a training loop keeps: model, optimizer, schedulers, where it stands, and how it went."""
    rng = np.random.RandomState(1)
    model = with_weights(t, t.nn.RNN(2, 3), rng)
    optimizer = t.optim.Adam(model.parameters(), lr=0.0, amsgrad=True)
    schedulers = [
        t.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3, 3]),
        t.optim.lr_scheduler.ReduceLROnPlateau(optimizer),
        t.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    ]
    for parameter in model.parameters():
        parameter.grad = t.ones_like(parameter) / 2
    optimizer.step()
    kept = ("milestones", "gamma", "best", "factor", "lr_lambdas", "base_lrs", "last_epoch")
    states = [scheduler.state_dict() for scheduler in schedulers]
    return {
        "epoch": 7,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict()["state"],
        "schedulers": [{name: state[name] for name in kept if name in state} for state in states],
        "losses": [0.5, float("inf"), float("nan")],
    }


def views(t: Any) -> Any:
    """Tensors that share memory, in every layout that a view can have."""
    base = t.tensor(np.arange(24, dtype=np.float32)).reshape(4, 6)
    other = t.tensor(np.arange(5))
    return OrderedDict(
        base=base, transposed=base.t(), rows=base[1:3], columns=base[:, 1::2], element=base[2, 3],
        block=base[1:, :2].t(), expanded=other[:1].expand(3, 2), counts=other, last=other[4:], none=base[2:2],
        same=base,
    )  # fmt: skip


def numbers(t: Any) -> Any:
    """Every type of elements that torch and numbarnn share, some of them at their limits."""
    limits = {
        np.dtype(kind).name: t.tensor(np.array([np.iinfo(kind).min, 0, np.iinfo(kind).max], kind))
        for kind in (np.int64, np.int32, np.int16, np.int8, np.uint8)
    }
    return {
        **limits,
        "float32": t.tensor(np.array([-0.0, 1e-45, 3.4e38, np.inf, -np.inf, np.nan], np.float32)),
        "float64": t.tensor(np.array([-0.0, 5e-324, 1e308, np.pi, np.nan])),
        "bool": t.tensor(np.array([[True, False], [False, True]])),
        "scalar": t.tensor(3.5),
        "empty": t.tensor(np.zeros((0, 3), np.float32)),
    }


def plain(t: Any) -> Any:
    """Plain values in containers, and a tensor far inside."""
    return {
        "ints": [0, -1, 255, 256, 65536, -(2**31), 2**31, 2**63, -(2**70), 3**500],
        "floats": (0.1, -0.0, 1e308, float("-inf")),
        "words": ["", "é", "nul\0", "日本", "weight"],
        "truth": (True, False, None),
        "keys": {0: "int", -(2**40): "large", 1.5: "float", None: "none", "": "empty", "a.b": "dotted", "a": {"b": 1}},
        "containers": [[], {}, (), OrderedDict(), [[[{"deep": (t.tensor([1.0, 2.0]),)}]]]],
        "size": t.zeros(2, 3).shape,
        "clash": {"x.y": t.tensor(1.0), "x": {"y": t.tensor(2.0)}, "../x": t.tensor(3.0), "/": t.tensor(4.0)},
    }


def values(t: Any) -> Any:
    """What Python and torch have besides."""
    return {
        "sets": [set(), {1, -2.5, "a", None, (1, "b"), b"c"}],
        "bytes": [b"a", bytes(range(256)), bytearray(), bytearray(b"abc")],
        "complex": [1j, complex(-0.0, float("inf")), complex(float("nan"), 2)],
        "dtypes": [t.float32, t.float64, t.int64, t.int32, t.zeros(1).dtype, t.zeros(1, dtype=t.bool).dtype],
        "devices": [t.device("cpu"), t.device("cuda:1"), t.zeros(1).device],
        "keys": {(1, 2): "tuple", (): "empty", b"k": "bytes", 2j: "complex", t.float32: "dtype"},
    }


def unsigned(t: Any) -> Any:
    """Types that have no storage of their own in torch; the last two look at the same memory."""
    limits = {kind: t.tensor(np.array([0, np.iinfo(kind).max], kind)) for kind in ("uint16", "uint32", "uint64")}
    whole = t.tensor(np.arange(6, dtype=np.uint16)).reshape(2, 3)
    return {**limits, "whole": whole, "part": whole[:, 1:].t()}


def shared(t: Any) -> Any:
    """One container in several places, doubled and doubled again."""
    inner = {"x": [t.tensor([1.0])], "y": (1, 2)}
    twice = [inner, inner]
    return {"a": twice, "b": (twice, inner["x"]), "again": inner["y"]}


def parameters(t: Any) -> Any:
    """Leaves with their flags."""
    first = t.nn.Parameter(t.tensor([1.0, 2.0]))
    return {
        "parameter": first,
        "again": first,
        "frozen": t.nn.Parameter(t.tensor([3.0]), requires_grad=False),
        "leaf": t.tensor([4.0], requires_grad=True),
    }


def single(t: Any) -> Any:
    """Nothing around it."""
    return t.tensor(np.arange(6.0).reshape(2, 3))


CASES: dict[str, Callable[[Any], Any]] = {
    "weights": weights,
    "training": training,
    "views": views,
    "numbers": numbers,
    "plain": plain,
    "values": values,
    "unsigned": unsigned,
    "shared": shared,
    "parameters": parameters,
    "single": single,
}


def half(t: Any) -> Any:
    """Only torch has these; numbarnn widens them."""
    values = t.tensor([0.0, -0.0, 1.5, -2.25, 65504.0, 6e-8, float("inf")])
    bfloat16 = values.to(t.bfloat16)
    return {"float16": values.to(t.float16), "bfloat16": bfloat16, "view": bfloat16[2:6:3]}


HALF = {
    "float16": [0.0, -0.0, 1.5, -2.25, 65504.0, 2**-24, np.inf],
    "bfloat16": [0.0, -0.0, 1.5, -2.25, 65536.0, 6.007030606269836e-08, np.inf],
    "view": [1.5, 6.007030606269836e-08],
}


def assert_same(found: Any, wanted: Any, where: str = "") -> None:
    """The same containers, keys in order, plain values and tensors, flags included; either may be torch's."""
    if hasattr(wanted, "requires_grad"):
        values = [np.asarray(x.detach().numpy()) for x in (found, wanted)]
        assert found.requires_grad == wanted.requires_grad, where
        assert type(found).__name__ == type(wanted).__name__, where
        assert values[0].dtype == values[1].dtype, where
        np.testing.assert_array_equal(*values, err_msg=where)
        assert np.array_equal(np.signbit(values[0]), np.signbit(values[1])) or values[0].dtype.kind != "f", where
        return
    kinds = [type(x).__name__ for x in (found, wanted)]
    assert kinds[0] == kinds[1] or all("dtype" in kind.lower() for kind in kinds), where
    if isinstance(wanted, dict):
        assert len(found) == len(wanted), where
        for (name, value), (key, expected) in zip(found.items(), wanted.items(), strict=True):
            assert_same(name, key, f"{where}: the key {key!r}")
            assert_same(value, expected, f"{where}[{key!r}]")
    elif isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted), where
        for number, value in enumerate(wanted):
            assert_same(found[number], value, f"{where}[{number}]")
    elif isinstance(wanted, set):
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), where
    else:
        assert shown(found) == shown(wanted), where


def shown(value: Any) -> str:
    """A plain value, of a dtype its name alone."""
    return str(value).removeprefix("torch.") if "dtype" in type(value).__name__.lower() else repr(value)
