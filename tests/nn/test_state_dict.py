"""Saving and loading a module's state: what a subclass defines is asked, and what raises has changed nothing."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from overridden import calls

import numbarnn
from numbarnn import nn

#: what is called on the innermost of three modules, among other things
CALLED = {
    "train": ["train"],
    "eval": ["train"],
    "apply": ["apply"],
    "double": ["_apply"],
    "to a type": ["_apply"],
    "cpu": ["_apply"],
    "parameters": ["named_modules"],
    "modules": ["named_modules"],
    "state_dict": ["state_dict", "_save_to_state_dict", "get_extra_state"],
    "load_state_dict": ["_load_from_state_dict", "set_extra_state"],
    "repr": ["__repr__", "extra_repr", "_get_name"],
    "copy": [],
    "pickle": ["__getstate__"],
}


@pytest.mark.parametrize("action", CALLED)
def test_methods_of_modules_below_are_called(action: str) -> None:
    assert {f"leaf.{name}" for name in CALLED[action]} <= set(calls(numbarnn, action))


class Counter(nn.Module):
    """Extra state, and a weight that an earlier version had under another name."""

    _version = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(numbarnn.zeros(2))
        self.register_buffer("total", numbarnn.zeros(()))
        self.seen: list[int] = []

    def get_extra_state(self) -> list[int]:
        return self.seen

    def set_extra_state(self, state: list[int]) -> None:
        self.seen = list(state)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        if local_metadata.get("version", 2) < 2:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def test_extra_state_goes_along() -> None:
    model = nn.Sequential(Counter(), nn.Sequential(Counter()))
    model[0].seen, model[1][0].seen = [1], [2, 3]
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.total", "0._extra_state", "1.0.weight", "1.0.total", "1.0._extra_state"]
    assert state._metadata == {"": {"version": 1}, "0": {"version": 2}, "1": {"version": 1}, "1.0": {"version": 2}}
    fresh = nn.Sequential(Counter(), nn.Sequential(Counter()))
    assert repr(fresh.load_state_dict(state)) == "<All keys matched successfully>"
    assert [fresh[0].seen, fresh[1][0].seen] == [[1], [2, 3]]
    del state["1.0._extra_state"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "1\.0\._extra_state"'):
        fresh.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "_extra_state"'):
        nn.Linear(1, 1).load_state_dict({**nn.Linear(1, 1).state_dict(), "_extra_state": 1})


def test_a_module_may_read_what_an_earlier_version_wrote() -> None:
    model = nn.Sequential(Counter())
    state = OrderedDict({"0.w": numbarnn.ones(2), "0.total": numbarnn.ones(1), "0._extra_state": [4]})
    state._metadata = {"0": {"version": 1}}
    model.load_state_dict(state)
    assert (model[0].weight.tolist(), model[0].total.item(), model[0].seen) == ([1, 1], 1, [4])
    assert "0.w" in state  # it was given a copy


def test_state_dict_hooks() -> None:
    model = nn.Sequential(nn.Linear(1, 1))
    seen: list[str] = []
    model[0].register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append(prefix))
    model[0].register_state_dict_post_hook(lambda module, state, prefix, metadata: state.pop(prefix + "bias") and None)
    model._register_state_dict_hook(lambda module, state, prefix, metadata: {"made": len(state)})
    assert model.state_dict() == {"made": 1}
    assert seen == ["0."]
    model.register_load_state_dict_pre_hook(lambda module, state, *rest: state.update(extra=numbarnn.ones(1)))
    forgive = model[0].register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    model.register_load_state_dict_post_hook(lambda module, keys: keys.unexpected_keys.clear())
    model.load_state_dict({"0.weight": numbarnn.ones(1, 1)})
    forgive.remove()
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "0\.bias"'):
        model.load_state_dict({"0.weight": numbarnn.ones(1, 1)})


# ---------------------------------------------------------------------------------------------------------------------
# all or nothing


class Failing(Counter):
    """Raises when it is loaded, once it and all before it have been written."""

    error: BaseException = KeyboardInterrupt()

    def set_extra_state(self, state: list[int]) -> None:
        super().set_extra_state(state)
        raise self.error


def refuse(module: Any, keys: Any) -> None:
    raise ZeroDivisionError


def read_only(model: Any) -> None:
    frozen = np.zeros(2, np.float32)
    frozen.flags.writeable = False
    model[1].weight = nn.Parameter(numbarnn.from_numpy(frozen))


#: what is done to a model before it is loaded, and what loading then raises
REFUSALS: dict[str, tuple[Callable[[Any], Any], type[BaseException]]] = {
    "read-only memory": (read_only, RuntimeError),
    "a shape that differs": (lambda m: setattr(m[1], "weight", nn.Parameter(numbarnn.zeros(3))), RuntimeError),
    "a name that is missing": (lambda m: m[1].register_buffer("more", numbarnn.zeros(1)), RuntimeError),
    "a name too many": (lambda m: delattr(m[1], "weight"), RuntimeError),
    "an error of set_extra_state": (lambda m: m.append(Failing()), KeyboardInterrupt),
    "an error of a hook before": (lambda m: m[1].register_load_state_dict_pre_hook(refuse), TypeError),
    "an error of a hook afterwards": (lambda m: m.register_load_state_dict_post_hook(refuse), ZeroDivisionError),
}


def picture(model: Any) -> Any:
    named = [*model.named_parameters(), *model.named_buffers()]
    return [(name, id(t), t.tolist(), t.requires_grad) for name, t in named], [part.seen for part in model]


@pytest.mark.parametrize(
    ("refusal", "assign"),
    [(name, assign) for name in REFUSALS for assign in (False, True) if (name, assign) != ("read-only memory", True)],
)
def test_a_load_that_raises_has_changed_nothing(refusal: str, assign: bool) -> None:
    prepare, error = REFUSALS[refusal]
    model = nn.Sequential(Counter(), Counter())
    prepare(model)
    source = nn.Sequential(Counter(), Counter(), *[Counter()] * (len(model) - 2))
    for part in source:
        part.weight.detach().fill_(7)
        part.seen = [7]
    state, before = source.state_dict(), picture(model)
    with pytest.raises(error):
        model.load_state_dict(state, assign=assign)
    assert picture(model) == before


@pytest.mark.parametrize("values", [np.array([1e300, -1e300]), np.array([np.nan, np.inf]), np.array([1e-320, 1])])
def test_numbers_that_do_not_fit_are_loaded_under_any_errstate(values: np.ndarray) -> None:
    model = Counter()
    state = {**model.state_dict(), "weight": values, "total": np.array(1e300)}
    for reaction in ("raise", "warn"):  # a warning is an error in tests
        with np.errstate(all=reaction):
            model.load_state_dict(state)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(model.weight.detach().numpy(), values.astype(np.float32))


def test_a_conversion_that_raises_has_changed_nothing() -> None:
    class Immovable(nn.Linear):
        def _apply(self, fn: Any, recurse: bool = True) -> Any:
            super()._apply(fn, recurse)
            raise MemoryError

    model = nn.Sequential(nn.Linear(2, 2), nn.BCELoss(weight=numbarnn.ones(1)), Immovable(2, 2))
    model[0](numbarnn.ones(2)).sum().backward()
    tensors = [*model.parameters(), model[1].weight, model[0].weight.grad]
    with pytest.raises(MemoryError):
        model.double()
    assert {t.dtype for t in tensors} == {numbarnn.float32}
    assert model[1].weight is tensors[-2]
    assert model[0].weight.grad is tensors[-1]
    assert model[0](numbarnn.ones(2)).dtype == numbarnn.float32


def test_copies_of_modules_keep_their_hooks() -> None:
    model = nn.Linear(1, 1)
    model.register_load_state_dict_pre_hook(lambda module, state, *rest: module.__dict__.update(hooked=True))
    other = copy.deepcopy(model)
    other.load_state_dict(model.state_dict())
    assert other.hooked
    assert not hasattr(model, "hooked")
