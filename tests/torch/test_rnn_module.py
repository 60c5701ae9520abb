"""RNN and RNNCell as modules, beside torch's: names, state, copies, replaced weights, the strides of outputs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_pairs import assert_same, assert_same_gradients, backward_both, check_rnn, floats, pair

import numbarnn
from numbarnn import nn

torch = pytest.importorskip("torch")

OPTIONS: list[dict[str, Any]] = [
    {}, {"num_layers": 3}, {"bias": False}, {"bidirectional": True, "num_layers": 2}, {"batch_first": True},
    {"nonlinearity": "relu"}, {"dropout": 0.5, "num_layers": 2}, {"bidirectional": 1}, {"bidirectional": 0},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_names_state_and_representation(options: dict[str, Any]) -> None:
    ours, theirs = nn.RNN(5, 7, **options), torch.nn.RNN(5, 7, **options)
    assert repr(ours) == repr(theirs)
    for found, expected in (
        (ours.state_dict().items(), theirs.state_dict().items()),
        (ours.named_parameters(), theirs.named_parameters()),
    ):
        assert [(k, tuple(v.shape)) for k, v in found] == [(k, tuple(v.shape)) for k, v in expected]
    found, expected = ([[tuple(w.shape) for w in group] for group in m.all_weights] for m in (ours, theirs))
    assert found == expected
    for name in ("mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional",
                 "proj_size", "training", "nonlinearity"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name


def test_strides_of_the_output() -> None:
    for options in ({}, {"batch_first": True}):
        ours, theirs = pair("RNN", 5, 7, 2, bidirectional=True, **options)
        for shape in ((6, 4, 5), (6, 5)):
            x = floats(0, *shape)
            for y, z in zip(ours(x), theirs(torch.tensor(x)), strict=True):
                assert tuple(y.stride()) == z.stride()
                assert y.is_contiguous() == z.is_contiguous()
                assert y.is_leaf == z.is_leaf


CHANGES: dict[str, Callable[[Any, Any, np.ndarray], Any]] = {
    "parameter": lambda t, m, w: setattr(m, "weight_hh_l0", t.nn.Parameter(t.tensor(w))),
    "data": lambda t, m, w: setattr(m.weight_hh_l0, "data", t.tensor(w)),
    "copy_": lambda t, m, w: m.weight_hh_l0.data.copy_(t.tensor(w)),
    "in place": lambda t, m, w: m.weight_hh_l0.data.mul_(0.5),
    "item": lambda t, m, w: m.weight_hh_l0.data.__setitem__((0, 1), 3.0),
    "reset": lambda t, m, w: (t.manual_seed(5), m.reset_parameters()),
    "load": lambda t, m, w: m.load_state_dict({**m.state_dict(), "weight_hh_l0": t.tensor(w)}),
    "double": lambda t, m, w: m.double(),
    "to": lambda t, m, w: m.to(t.float64),
    "there and back": lambda t, m, w: m.double().float(),
    "flatten": lambda t, m, w: m.flatten_parameters(),
    "tied layers": lambda t, m, w: setattr(m, "weight_hh_l1", m.weight_hh_l0),
    "apply": lambda t, m, w: m.apply(lambda module: module.bias_ih_l0.data.fill_(0.25)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_used(change: str) -> None:
    ours, theirs = pair("RNN", 5, 7, 2)
    x = floats(0, 6, 4, 5)
    check_rnn(ours, theirs, x, None)  # what was derived from the old weights must not live on
    for lib, module in ((numbarnn, ours), (torch, theirs)):
        module.zero_grad()
        CHANGES[change](lib, module, floats(3, 7, 7))
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    check_rnn(ours, theirs, x.astype(str(ours.weight_hh_l0.dtype)), None)


def test_a_computed_tensor_in_the_place_of_a_parameter() -> None:
    """As pruning and weight normalisation do: gradients flow on to what it was computed from."""
    modules = pair("RNN", 5, 7, 2)
    outputs, sources = [], []
    for lib, module in zip((numbarnn, torch), modules, strict=True):
        source = lib.tensor(floats(1, 7, 7), requires_grad=True)
        del module.weight_hh_l0
        module.weight_hh_l0 = source * 0.5
        outputs.append(list(module(lib.tensor(floats(0, 6, 4, 5)))))
        sources.append(source)
        assert module.all_weights[0][1] is module.weight_hh_l0
        assert "weight_hh_l0" not in module.state_dict()
    for y, z in zip(*outputs, strict=True):
        assert_same(y, z)
    backward_both(*outputs)
    assert_same_gradients(*modules, tuple(sources))


def test_weights_tied_between_two_layers() -> None:
    first, second = pair("RNN", 7, 7), pair("RNN", 7, 7)
    outputs = []
    for lib, a, b in zip((numbarnn, torch), first, second, strict=True):
        b.weight_hh_l0 = a.weight_hh_l0
        outputs.append(list(b(a(lib.tensor(floats(0, 6, 4, 7)))[0])))
    backward_both(*outputs)
    assert_same_gradients(*first)
    assert_same_gradients(*second)


@pytest.mark.parametrize("how", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("name", ["RNN", "RNNCell"])
def test_copies_compute_the_same(how: Callable[[Any], Any], name: str) -> None:
    ours, _ = pair(name, 5, 7)
    x = floats(0, 4, 5)
    expected = ours(x)
    twin = how(ours)
    found = twin(x)
    for y, z in zip(*(r if name == "RNN" else (r,) for r in (found, expected)), strict=True):
        assert np.array_equal(y.detach(), z.detach())
    assert repr(twin) == repr(ours)
    assert list(twin.state_dict()) == list(ours.state_dict())
    assert all(type(p) is nn.Parameter and p.requires_grad for p in twin.parameters())
    shared = how is copy.copy
    assert all((p is q) == shared for p, q in zip(twin.parameters(), ours.parameters(), strict=True))


def test_copies_live_on_their_own() -> None:
    ours, _ = pair("RNN", 5, 7)
    x = floats(0, 6, 4, 5)
    ours(x)[0].sum().backward()
    twin = copy.deepcopy(ours)
    assert twin.weight_hh_l0.grad is None  # as in torch
    before = ours(x)[0].detach().numpy().copy()
    with numbarnn.no_grad():
        twin.weight_hh_l0.zero_()
    assert ours.weight_hh_l0.grad.numpy().any()
    assert np.array_equal(ours(x)[0].detach(), before)
    assert not np.array_equal(twin(x)[0].detach(), before)


def test_state_goes_both_ways() -> None:
    ours, theirs = nn.RNN(5, 7, 2, bidirectional=True), torch.nn.RNN(5, 7, 2, bidirectional=True)
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    check_rnn(ours, theirs, floats(0, 6, 4, 5), None)
    state = theirs.state_dict()
    ours.load_state_dict({k: v.numpy() for k, v in state.items()})
    with torch.no_grad():
        theirs.weight_hh_l0.zero_()
    assert ours.weight_hh_l0.detach().numpy().any()  # a copy


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    ours = nn.RNN(5, 7)
    before = {k: v.numpy().copy() for k, v in ours.state_dict().items()}
    bad = [
        {**before, "weight_hh_l0": np.zeros((7, 6), np.float32)},
        {k: v + 1 for k, v in before.items() if k != "bias_hh_l0"},
        {**{k: v + 1 for k, v in before.items()}, "weight_hh_l1": np.zeros((7, 7), np.float32)},
    ]
    for state in bad:
        with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for RNN"):
            ours.load_state_dict(state)
        assert all(np.array_equal(v, before[k]) for k, v in ours.state_dict().items())
