"""Modules beside torch's: names, order, representation, what loading refuses."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from typing import Any

import pytest
from overridden import ACTIONS, calls

import numbarnn
from numbarnn import nn

torch = pytest.importorskip("torch")


def model(library: Any) -> Any:
    """One of everything, with a tied weight and both kinds of buffer."""
    layers = library.nn

    class Tagger(layers.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", library.ones(2))
            self.register_buffer("scratch", library.ones(2), persistent=False)
            self.register_parameter("unused", None)
            self.embedding = layers.Embedding(6, 4, padding_idx=0)
            self.cells = layers.ModuleList([layers.RNNCell(4, 4), layers.RNNCell(4, 4), layers.Dropout(0.2)])
            self.rnn = layers.RNN(4, 4, num_layers=2, bidirectional=True)
            self.head = layers.Sequential(
                OrderedDict([("fc", layers.Linear(8, 4)), ("act", layers.ReLU()), ("out", layers.Linear(4, 6))])
            )
            self.head.out.weight = self.embedding.weight
            self.loss = layers.CrossEntropyLoss(weight=library.ones(6))
            self.nothing = None
            self.add_module("empty", None)

        def extra_repr(self) -> str:
            return "one\ntwo"

    return Tagger()


def test_names_and_representation() -> None:
    ours, theirs = model(numbarnn), model(torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert list(ours.state_dict(prefix="a.")) == list(theirs.state_dict(prefix="a."))
    for listing in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        found, expected = ([name for name, _ in getattr(side, listing)()] for side in (ours, theirs))
        assert found == expected, listing
    for options in ({"prefix": "p"}, {"recurse": False}, {"remove_duplicate": False}):
        found, expected = ([name for name, _ in side.named_parameters(**options)] for side in (ours, theirs))
        assert found == expected, options


def test_shared_modules_are_listed_as_in_torch() -> None:
    found, expected = [], []
    for library, names in ((numbarnn, found), (torch, expected)):
        layer = library.nn.Linear(2, 2)
        shared = library.nn.Sequential(layer, library.nn.Tanh(), layer)
        names += [list(shared.state_dict()), [n for n, _ in shared.named_parameters()]]
        names += [[n for n, _ in shared.named_modules()], [n for n, _ in shared.named_modules(remove_duplicate=False)]]
        names += [[n for n, _ in shared.named_children()], [n for n, _ in shared.named_parameters("", True, False)]]
    assert found == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Linear(2, 3, bias=False), lambda nn: nn.Dropout(0.1, True), lambda nn: nn.Embedding(3, 4, 1),
        lambda nn: nn.Embedding(3, 4, max_norm=1.0, norm_type=3.0, scale_grad_by_freq=True), lambda nn: nn.Tanh(),
        lambda nn: nn.Embedding(3, 4, norm_type=2.0), lambda nn: nn.ReLU(True), lambda nn: nn.Sigmoid(),
        lambda nn: nn.Softmax(dim=1), lambda nn: nn.LogSoftmax(-1), lambda nn: nn.CrossEntropyLoss(),
        lambda nn: nn.MSELoss(), lambda nn: nn.L1Loss(), lambda nn: nn.BCEWithLogitsLoss(), lambda nn: nn.NLLLoss(),
        lambda nn: nn.Sequential(), lambda nn: nn.ModuleList(), lambda nn: nn.Sequential(nn.Sequential(nn.Tanh())),
        lambda nn: nn.ModuleList([nn.Tanh(), nn.Tanh(), nn.ReLU(), nn.Sequential(nn.Tanh()), nn.Sequential(nn.Tanh())]),
        lambda nn: nn.Sequential(nn.Tanh(), nn.ReLU())[1:], lambda nn: nn.Module(),
        lambda nn: nn.Sequential(nn.Tanh()) + nn.Sequential(nn.ReLU()),
        lambda nn: nn.ModuleList([nn.Tanh()]) + nn.ModuleList([nn.ReLU()]),
        lambda nn: nn.Sequential(nn.Tanh()).append(nn.ReLU()).extend([nn.Tanh()]).insert(0, nn.Sigmoid()),
    ],
)  # fmt: skip
def test_representation(make: Any) -> None:
    assert repr(make(nn)) == repr(make(torch.nn))


def test_load_state_dict_errors_read_the_same() -> None:
    """All of them at once: missing, unexpected, of wrong shape."""
    messages = []
    for library in (numbarnn, torch):
        module = library.nn.Sequential(library.nn.RNN(2, 3), library.nn.Linear(3, 1))
        state = module.state_dict()
        del state["0.weight_hh_l0"], state["1.bias"]
        state["extra"] = library.ones(1)
        state["0.bias_ih_l0"] = library.ones(4)
        with pytest.raises(RuntimeError) as caught:
            module.load_state_dict(state)
        messages.append(str(caught.value).replace("torch.Size", "Size").replace("numbarnn.Size", "Size"))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("action", ACTIONS)
def test_methods_of_a_subclass_are_called_as_torch_calls_them(action: str) -> None:
    assert calls(numbarnn, action) == calls(torch, action)


SEQUENCES = [
    "s * 2", "3 * s", "s * True", "s + t", "s * 0", "s * 1.5", "'a' * s", "s + 1", "s + nn.ModuleList(t)",
    "iadd(s, t)", "imul(s, 2)", "imul(s, 1)", "imul(s, -1)", "iadd(s, 1)", "s.pop(key=0)", "s.pop(slice(0, 2))",
    "s.extend(t)", "s.extend([nn.Tanh(), 1])", "s.extend(1)", "s.append(1)",
    "s.append(None)", "s.insert(-1, nn.Sigmoid())", "s.insert(index=5, module=nn.Sigmoid())", "s.insert(0, 1)",
    "s.insert(2, nn.Sigmoid())", "s[5]", "s['a']", "s[1:]", "s[0]", "list(reversed(s))", "s[-1]", "len(s)", "bool(s)",
    "delitem(s, 0)", "delitem(s, slice(0, 1))", "delitem(s, 4)", "setitem(s, 0, nn.Sigmoid())", "setitem(s, 0, 1)",
    "setitem(s, -1, None)", "nn.Sequential(1)", "nn.Sequential(None, nn.Tanh())", "n * 2", "iadd(n, t)",
    "nn.Sequential(OrderedDict({1: nn.Tanh()}))", "nn.Sequential({'a': nn.Tanh()})", "n.insert(0, nn.Tanh())", "n[1:]",
    "l + l", "l + [nn.Tanh()]", "iadd(l, [nn.Tanh()])", "l + 1", "iadd(l, 1)", "l * 2", "l.insert(0, nn.Sigmoid())",
    "l.insert(1, nn.Sigmoid())", "l.append(nn.Tanh())", "l.append(1)", "l.extend([1])", "l.pop(0)", "l.pop(key=-1)",
    "l.pop(9)", "l[0]", "l[:1]", "l['0']", "setitem(l, 1, nn.Sigmoid())", "delitem(l, 0)", "nn.ModuleList(1)",
    "nn.ModuleList([1])", "nn.ModuleList(modules=[nn.Tanh()])", "nn.ModuleList(nn.Tanh())", "l(1)",
    "list(reversed(l))",
]  # fmt: skip


@pytest.mark.parametrize("expression", SEQUENCES)
def test_sequences_of_modules(expression: str) -> None:
    outcomes = []
    for layers in (nn, torch.nn):
        s, t = layers.Sequential(layers.Tanh(), layers.ReLU()), layers.Sequential(layers.Sigmoid())
        n = layers.Sequential(OrderedDict(a=layers.Tanh(), b=layers.ReLU()))
        names = {"nn": layers, "s": s, "t": t, "n": n, "l": layers.ModuleList([layers.Tanh(), layers.ReLU()])}
        functions = {name: getattr(operator, name) for name in ("iadd", "imul", "setitem", "delitem")}
        try:
            result: Any = eval(expression, {**names, **functions, "OrderedDict": OrderedDict})
        except Exception as error:
            result = type(error)
        outcomes.append([repr(result), *(repr(names[name]) for name in "stnl")])
    if "[nn.Tanh(), 1]" in expression:  # here all or nothing
        assert outcomes[0][:2] == ["<class 'TypeError'>", repr(nn.Sequential(nn.Tanh(), nn.ReLU()))]
    else:
        assert outcomes[0] == outcomes[1]


def hook_log(library: Any, where: str, options: dict[str, Any]) -> Any:
    """What hooks see of a call, and its outcome, where something raises in the place `where`."""
    log: list[Any] = []

    class Double(library.nn.Module):
        def forward(self, x: Any, factor: int = 2) -> Any:
            if where == "forward":
                raise KeyError(where)
            return x * factor

    def before(module: Any, *given: Any) -> Any:
        log.append(("before", len(given)))
        if where == "before":
            raise KeyError(where)
        return {"pair": ((3,), {"factor": 5}), "single": 3, "list": [3]}.get(where)

    def after(name: str) -> Any:
        def hook(module: Any, *given: Any) -> Any:
            log.append((name, given))
            if where == name:
                raise KeyError(where)
            return given[-1] + 1 if given[-1] is not None else None

        return hook

    module = Double()
    module.register_forward_pre_hook(before, with_kwargs=where in ("pair", "list"))
    module.register_forward_hook(after("first"))
    module.register_forward_hook(after("second"), **options)
    last = module.register_forward_hook(after("last"), **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result: Any = module(1, factor=3)
        except Exception as error:
            result = type(error)
    last.remove()
    left = [len(getattr(module, name)) for name in ("_forward_hooks", "_forward_hooks_with_kwargs")]
    return log, result, [str(w.message) for w in caught], left


@pytest.mark.parametrize("where", ["nowhere", "before", "forward", "first", "second", "last", "pair", "single", "list"])
@pytest.mark.parametrize(
    "options",
    [{}, {"always_call": True}, {"with_kwargs": True, "always_call": True}, {"prepend": True}, {"with_kwargs": True}],
    ids=str,
)
def test_forward_hooks(where: str, options: dict[str, Any]) -> None:
    assert hook_log(numbarnn, where, options) == hook_log(torch, where, options)
