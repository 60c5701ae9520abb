"""Views of memory that is written to in place, side by side with torch: what is expanded, and what no_grad has made."""

from __future__ import annotations

from typing import Any

import pytest

import numbarnn

torch = pytest.importorskip("torch")

EXPANDED = {
    "rows": lambda b: b.expand(3, 2),
    "as another": lambda b: b.expand_as(b.new_ones(4, 2)),
    "a new dimension": lambda b: b.unsqueeze(1).expand(2, 3),
    "two dimensions": lambda b: b[0].expand(3, 2),
    "a part": lambda b: b[1:].expand(5),
    "transposed": lambda b: b.expand(3, 2).t(),
    "none": lambda b: b[None],
}
WRITES = {
    "mul_": lambda b, w: b.mul_(2),
    "add_": lambda b, w: b.add_(w),
    "fill_": lambda b, w: b.fill_(w.sum()),
    "an item": lambda b, w: b.__setitem__(0, w[1]),
    "through a view": lambda b, w: b[1:].mul_(w[:1]),
}


def _gradients(t: Any, view: Any, write: Any) -> Any:
    x, w = t.tensor([1.0, 2.0], requires_grad=True), t.tensor([3.0, -1.0], requires_grad=True)
    b = x * 1
    v = view(b)
    write(b, w)
    (v * v * t.arange(1.0, 1.0 + v.numel()).reshape(v.shape)).sum().backward()
    return v.tolist(), [None if p.grad is None else p.grad.tolist() for p in (x, w)]


@pytest.mark.parametrize("view", EXPANDED)
@pytest.mark.parametrize("write", WRITES)
def test_a_view_of_what_was_written_gives_back_all_of_its_gradient(view: str, write: str) -> None:
    ours, theirs = (_gradients(t, EXPANDED[view], WRITES[write]) for t in (numbarnn, torch))
    assert ours == theirs


def test_the_first_state_of_a_layer_may_be_an_expanded_view() -> None:
    found = []
    for t in (numbarnn, torch):
        t.manual_seed(0)
        rnn, h = t.nn.RNN(1, 2, num_layers=2), t.ones(2, requires_grad=True)
        first = h * 1
        states = first.expand(2, 1, 2)
        first.add_(0.5)
        rnn(t.ones(3, 1, 1), states)[0].sum().backward()
        found.append(h.grad.tolist())
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.parametrize("write", [lambda v: v.mul_(5), lambda v: v.__setitem__(0, 7.0), lambda v: v.zero_()])
def test_a_view_made_in_no_grad_is_not_written_to_while_recording(write: Any) -> None:
    for t in (numbarnn, torch):
        x = t.ones(2, requires_grad=True)
        b = x * 1
        with t.no_grad():
            v = b[:1]
        with pytest.raises(RuntimeError, match="created in no_grad mode"):
            write(v)
        with t.no_grad():
            write(v)
        b.sum().backward()
        assert x.grad.tolist() == [1, 1]
