"""The tape: what backward() adds up, what it refuses, and how deep it can go."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from leaves import grad, leaf

import numbarnn
from numbarnn import Tensor
from numbarnn.autograd import tape
from numbarnn.autograd.record import record
from numbarnn.nn import Parameter


def test_gradients_add_up_over_paths_and_calls() -> None:
    x = leaf(1, 2)
    y = x * x
    (y + y + x).sum().backward()
    assert grad(x) == [5, 9]
    x.sum().backward()
    assert grad(x) == [6, 10]


def test_gradient_argument_and_its_shape() -> None:
    x = leaf(1, 2)
    (2 * x).backward(numbarnn.tensor([1.0, 10.0]))
    assert grad(x) == [2, 20]
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (2 * x).backward(numbarnn.ones(3))
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (2 * x).backward()
    assert grad(x) == [2, 20]


def test_backward_needs_a_history() -> None:
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
        numbarnn.ones(1).backward()
    with pytest.raises(RuntimeError, match="second derivatives"):
        leaf(1).backward(create_graph=True)
    x = leaf(3)
    x.backward()
    assert grad(x) == [1]


def test_a_second_backward_needs_retain_graph() -> None:
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert grad(x) == [4, 8]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    assert grad(x) == [4, 8]


def test_only_the_chosen_inputs_get_a_gradient() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    h = x * w
    (h * h).sum().backward(inputs=[w, h])
    assert x.grad is None
    assert grad(w) == [6, 32]
    assert grad(h) == [6, 16]
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * w).sum().backward(inputs=[])


def test_gradients_of_inner_tensors() -> None:
    x = leaf(1, 2)
    h = x * 3
    with pytest.warns(UserWarning, match="not a leaf"):
        assert h.grad is None
    h.retain_grad()
    (h * h).sum().backward()
    assert grad(h) == [6, 12]
    with pytest.raises(RuntimeError, match="retain_grad"):
        numbarnn.ones(1).retain_grad()


def test_a_failed_backward_leaves_every_grad_as_it_was() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    h = w.tanh()
    loss = (x + h).sum()
    with numbarnn.no_grad():
        h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    assert x.grad is None
    assert w.grad is None


def test_a_leaf_keeps_its_gradient_to_itself() -> None:
    """Operations hand on the array they were given; two leaves must not come to share one."""
    x, y = leaf(1, 2), leaf(3, 4)
    seed = numbarnn.ones(2)
    (x + y).backward(seed)
    assert x.grad is not None
    x.grad.add_(5)
    assert grad(y) == [1, 1]
    assert seed.tolist() == [1, 1]
    z = leaf(1)
    z.backward(seed[:1])
    assert z.grad is not None
    assert not np.shares_memory(z.grad.numpy(), seed.numpy())


def test_a_fresh_gradient_is_kept_without_a_copy() -> None:
    made = []

    def backward(d_outputs: object, needs: object) -> list[np.ndarray]:
        array = np.full(2, 3, np.float32)
        made.append(array.__array_interface__["data"][0])
        return [array]

    x = leaf(1, 2)
    (y,) = record("Test", [np.zeros(2, np.float32)], [x], backward)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.numpy().__array_interface__["data"][0] == made[0]


def test_a_gradient_that_its_maker_keeps_is_copied() -> None:
    kept = np.full(2, 3, np.float32)
    x = leaf(1, 2)
    (y,) = record("Test", [np.zeros(2, np.float32)], [x], lambda d, needs: [kept])
    y.sum().backward()
    assert x.grad is not None
    x.grad.zero_()
    assert kept.tolist() == [3, 3]


def test_outputs_without_a_gradient_arrive_as_none() -> None:
    x = leaf(1, 2)
    seen = []

    def backward(d_outputs: list[np.ndarray | None], needs: list[bool]) -> list[np.ndarray | None]:
        seen.append(([d is None for d in d_outputs], list(needs)))
        return [np.ones(2, np.float32), None]

    a, b = record("Test", [np.zeros(2, np.float32), np.zeros(2, np.float32)], [x, numbarnn.ones(1)], backward)
    b.sum().backward()
    assert seen == [([True, False], [True, False])]
    assert grad(x) == [1, 1]
    assert repr(a.grad_fn) == "<TestBackward0>"


@pytest.mark.slow
@pytest.mark.parametrize("length", [10_000, 100_000])
def test_a_long_chain_neither_overflows_nor_crashes_when_freed(length: int) -> None:
    x = leaf(1)
    y = x
    for _ in range(length):
        y = y + 1
    y.backward()
    assert grad(x) == [1]
    del y
    y = x
    for _ in range(length):
        y = y + 1
    del y  # freed without ever having been walked
    gc.collect()


def test_the_graph_goes_away_without_the_garbage_collector() -> None:
    def nodes() -> int:
        return sum(type(o) is tape.Node for o in gc.get_objects())

    x = leaf(1)
    gc.collect()
    gc.disable()
    before = nodes()
    try:
        (x * 2).tanh().sum().backward()
        assert nodes() == before
    finally:
        gc.enable()


def test_requires_grad_rules() -> None:
    x = numbarnn.ones(2)
    assert x.requires_grad_().requires_grad
    assert x.is_leaf
    y = x * 2
    assert not y.is_leaf
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="floating point"):
        numbarnn.ones(2, dtype=numbarnn.int64).requires_grad_()
    with pytest.raises(RuntimeError, match="floating point"):
        numbarnn.tensor([1, 2], requires_grad=True)


def test_grad_can_be_assigned_if_it_fits() -> None:
    x = leaf(1, 2)
    x.grad = numbarnn.ones(2)
    x.sum().backward()
    assert grad(x) == [2, 2]
    x.grad = None
    assert x.grad is None
    with pytest.raises(RuntimeError, match="size"):
        x.grad = numbarnn.ones(3)
    with pytest.raises(RuntimeError, match="dtype"):
        x.grad = numbarnn.ones(2, dtype=numbarnn.float64)
    with pytest.raises(TypeError, match="expected to be a Tensor or None"):
        x.grad = 3  # type: ignore[assignment]  # the error is the point


def test_gradients_reach_a_parameter_in_its_own_type() -> None:
    w = Parameter(numbarnn.ones(2))
    (w.double() * 3).sum().backward()
    assert w.grad is not None
    assert w.grad.dtype == numbarnn.float32
    assert type(w.grad) is Tensor
    assert grad(w) == [3, 3]


def test_detached_tensors_share_memory_and_no_history() -> None:
    x = leaf(1, 2)
    h = x * 2
    d = h.detach()
    assert not d.requires_grad
    assert np.shares_memory(d.numpy(), h.detach().numpy())
    h.detach_()
    assert h.is_leaf
    assert not h.requires_grad
    (d * 1).add_(1)
    assert (h * 1).is_leaf


def test_a_retained_gradient_is_that_of_the_value_after_a_write() -> None:
    x = leaf(1, 2)
    h = x * 3
    h.retain_grad()
    h *= 2
    (h * h).sum().backward()
    assert grad(h) == [12, 24]
    assert grad(x) == [72, 144]


def test_values_are_kept_only_for_gradients_that_are_needed() -> None:
    x, w = numbarnn.ones(2), leaf(1, 2)
    y = (w * x).sum() + (w * 2).sum()
    with numbarnn.no_grad():
        w.add_(1)  # the gradient of w reads x alone
    y.backward()
    assert grad(w) == [3, 3]
