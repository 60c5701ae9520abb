"""Sequential, ModuleList, and how modules are shown."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import numbarnn
from numbarnn import nn


def test_representation() -> None:
    class Shown(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()])
            self.add_module("none", None)

        def extra_repr(self) -> str:
            return "a\nb"

    expected = """Shown(
  a
  b
  (cells): ModuleList(
    (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)
    (2): Tanh()
  )
  (none): None
)"""
    assert repr(Shown()) == expected
    assert repr(nn.Sequential()) == "Sequential()"


def test_sequential() -> None:
    a, b, c = nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)
    model = nn.Sequential(OrderedDict(a=a, b=b, c=c))
    x = numbarnn.ones(2)
    assert model(x).tolist() == c(b(a(x))).tolist()
    assert model.b is b
    assert list(model[1:]) == [b, c]
    assert isinstance(model[1:], nn.Sequential)
    assert model[-1] is c
    assert nn.Sequential()(x) is x
    del model[1]
    model.insert(0, b).append(b)
    assert list(model) == [b, a, c, b]
    assert list(model._modules) == ["0", "1", "2", "3"]
    assert model.pop(0) is b
    assert list(model + nn.Sequential(b)) == [a, c, b, b]
    model[0] = b
    assert model[0] is b
    for index, error in ((7, IndexError), ("a", TypeError), (1.0, TypeError)):
        with pytest.raises(error):
            model[index]


def test_module_list() -> None:
    a, b = nn.Tanh(), nn.ReLU()
    cells = nn.ModuleList([a])
    cells += [b]
    assert list(cells) == [a, b]
    assert list(cells + nn.ModuleList([a])) == [a, b, a]
    assert isinstance(cells[:1], nn.ModuleList)
    assert (len(cells), a in cells, nn.Tanh() in cells) == (2, True, False)
    del cells[0:1]
    assert [name for name, _ in cells.named_children()] == ["0"]
    with pytest.raises(NotImplementedError, match="ModuleList"):
        cells(1)
    with pytest.raises(TypeError, match=r"ModuleList\.extend should be called with an iterable, but got int"):
        cells.extend(3)
