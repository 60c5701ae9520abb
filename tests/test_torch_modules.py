"""Modules beside torch's: names, order, representation, what loading refuses."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

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
