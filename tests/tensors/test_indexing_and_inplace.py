"""Indexing in torch's reading, and writes: through views, into histories, and the ones that must be refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradcheck import check_gradients
from leaves import grad, leaf

import numbarnn
from numbarnn import Tensor

CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "index",
    [
        0, -1, slice(None), slice(1, None), Ellipsis, None, (0, 1), (0, 1, 2), (slice(None), 1), (Ellipsis, 0),
        (None, 0, Ellipsis, None), (slice(None), slice(0, 3, 2)), np.int64(1), (np.array(1), 2), [1, 0],
        np.array([1, 1, 0]),
        ([0, 1], [2, 0]), (slice(None), [0, 2]), np.array([True, False]), (Ellipsis, np.array([1, 3])), [True, False],
        CUBE > 5, (0, CUBE[0] > 5), np.zeros((0,), int), [], (np.array([[0], [1]]), np.array([0, 2])), slice(5, 9),
    ],
)  # fmt: skip
def test_indexing_is_numpys(index: Any) -> None:
    x = numbarnn.tensor(CUBE)
    expected = CUBE[index]
    found = x[index]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)
    written, array = numbarnn.tensor(CUBE), CUBE.copy()
    written[index] = -1
    array[index] = -1
    np.testing.assert_array_equal(written.numpy(), array)


def test_an_integer_beside_an_index_array_does_not_move_dimensions() -> None:
    """NumPy would put the array's dimension first here; torch does not."""
    x = numbarnn.tensor(CUBE)
    assert x[0, :, [1, 2]].shape == (3, 2)
    x[0, :, [1, 2]] = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(x.numpy()[0, :, 1:3], np.arange(6.0).reshape(3, 2))


def test_basic_indexing_is_a_view_and_advanced_is_not() -> None:
    x = numbarnn.zeros(2, 3)
    x[0, 1:][0] = 5
    x[[0]][0, 0] = 7
    x[numbarnn.tensor(1)][0] = 9
    assert x.tolist() == [[0, 5, 0], [9, 0, 0]]


def test_index_tensors_are_read_when_used() -> None:
    x, index = leaf(1, 2, 3), numbarnn.tensor([0, 0])
    y = x[index]
    index += 2
    y.sum().backward()
    assert grad(x) == [2, 0, 0]


def test_lists_of_more_than_numbers_index_one_dimension_each() -> None:
    x = numbarnn.tensor(CUBE)
    assert x[[[0, 1], [1, 0]]].tolist() == x[[0, 1], [1, 0]].tolist()
    assert x[[numbarnn.tensor(0), numbarnn.tensor(1)]].tolist() == x[0, 1].tolist()
    assert x[[0, None]].shape == (1, *x.shape[1:])
    assert x[..., ...].tolist() == x.tolist()
    assert x[..., 0, ...].tolist() == x[..., 0].tolist()
    with pytest.raises(IndexError, match="too many indices"):
        x[..., ..., 0]


def test_bytes_are_masks_which_is_warned_of() -> None:
    x = numbarnn.tensor([1.0, 2.0, 3.0])
    for mask in (np.array([0, 1, 1], np.uint8), numbarnn.tensor([0, 1, 1], dtype=np.dtype(np.uint8))):
        with pytest.warns(UserWarning, match="dtype torch.uint8 is now deprecated") as warned:
            assert x[mask].tolist() == [2, 3]
        assert warned[0].filename == __file__


def test_writes_at_an_index_tensor_ask_for_the_same_type() -> None:
    x = numbarnn.zeros(3)
    with pytest.raises(RuntimeError, match="dtypes match, got Float for the destination and Double for the source"):
        x[[0]] = numbarnn.tensor([1.0], dtype=numbarnn.float64)
    x[0:1] = numbarnn.tensor([1.0], dtype=numbarnn.float64)
    x[numbarnn.tensor([False, True, False])] = numbarnn.tensor(2)
    x[False] = numbarnn.tensor([7.0, 7.0])  # no place, so no shape to fit
    assert x.tolist() == [1, 2, 0]


def test_a_number_written_over_a_scalar_stops_its_gradient() -> None:
    for index in (..., None, (), True, numbarnn.tensor(True)):
        x, value = leaf(3), leaf(5)
        out = x[0] * 2
        out[index] = value[0]
        (out * out).backward()
        assert (grad(x), grad(value)) == ([0], [10])


@pytest.mark.parametrize(
    ("index", "error", "match"),
    [
        (5, IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        ((0, 0, 0, 0), IndexError, "too many indices for tensor of dimension 3"),
        (1.5, IndexError, "only integers, slices"),
        (numbarnn.tensor(1.0), IndexError, "tensors used as indices must be long"),
        (np.array([3]), IndexError, "index 3 is out of bounds for dimension 0"),
        (np.array([True, False, True]), IndexError, "dimension 0"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        ("a", TypeError, "invalid data type 'str'"),
    ],
)
def test_wrong_indices(index: Any, error: type[Exception], match: str) -> None:
    x = numbarnn.tensor(CUBE)
    with pytest.raises(error, match=match):
        x[index]
    with pytest.raises(error, match=match):
        x[index] = 0
    np.testing.assert_array_equal(x.numpy(), CUBE)


def test_values_are_broadcast_and_converted_into_their_place() -> None:
    x = numbarnn.zeros(2, 3)
    x[0] = numbarnn.tensor([[1, 2, 3]])
    x[:, 2] = np.array([7.0, 8.0])
    assert x.tolist() == [[1, 2, 7], [0, 0, 8]]
    with pytest.raises(RuntimeError, match=r"expanded size of the tensor \(3\) must match the existing size \(2\)"):
        x[0] = numbarnn.ones(2)
    with pytest.raises(RuntimeError, match=r"shape mismatch: value tensor of shape \[2\]"):
        x[[0]] = numbarnn.ones(2)
    with pytest.raises(TypeError, match="list"):
        x[0] = [1, 2, 3]


def test_outputs_collected_step_by_step_are_differentiated() -> None:
    def collect(x: Tensor, y: Tensor) -> Tensor:
        out = numbarnn.zeros(3, 2, dtype=numbarnn.float64)
        h = x
        for t in range(2):
            h = h * y
            out[t] = h
        out[2, :1] = (h * x)[:1]
        return out

    check_gradients(collect, np.array([0.5, -2.0]), np.array([1.5, 3.0]))


def test_overwritten_values_get_no_gradient() -> None:
    def function(x: Tensor, y: Tensor) -> Tensor:
        h = x * 2
        h[[0, 2]] = y
        h[1] += y[0]
        h *= x
        return h

    check_gradients(function, np.array([1.0, 2, 3]), np.array([4.0, 5]))


def test_a_value_may_be_spread_over_its_place() -> None:
    def function(x: Tensor, y: Tensor) -> Tensor:
        h = x.clone()
        h[:, 1:] = y
        h[0, 0] = y[0, 0] * 3
        return h

    check_gradients(function, np.ones((2, 3)), np.array([[[5.0]]])[0])


def test_writes_through_views_reach_the_base_and_other_views() -> None:
    def function(x: Tensor, y: Tensor) -> Tensor:
        h = x * 1
        first, rest = h[0], h.view(-1)[1:]
        first.mul_(y[0])
        rest += y[1]
        h.T[0].copy_(y * y)
        return numbarnn.cat([h.flatten() * 2, first, rest])

    check_gradients(function, np.array([[1.0, 2], [3, 4]]), np.array([0.5, -1.5]))


def test_a_view_made_before_its_base_was_written_sees_the_new_history() -> None:
    y = leaf(2, 3)
    base = numbarnn.zeros(2, 2)
    view = base[1]
    assert not view.requires_grad
    base[1] = y
    assert view.requires_grad
    assert not view.is_leaf
    (view * view).sum().backward()
    assert grad(y) == [4, 6]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("zero_", (), 0), ("fill_", (3,), 3), ("add_", (2,), 2.5), ("sub_", (2,), -1.5), ("mul_", (4,), 2),
        ("div_", (2,), 0.25),
        ("pow_", (2,), 0.25), ("neg_", (), -0.5), ("exp_", (), np.exp(0.5)), ("sqrt_", (), np.sqrt(0.5)),
        ("tanh_", (), np.tanh(0.5)), ("relu_", (), 0.5), ("sigmoid_", (), 1 / (1 + np.exp(-0.5))),
        ("clamp_", (0.6, 1), 0.6),
        ("copy_", (np.array([7.0]),), 7), ("masked_fill_", (np.array([True, True]), 9), 9),
    ],
)  # fmt: skip
def test_in_place_methods(name: str, arguments: tuple[Any, ...], expected: float) -> None:
    x = numbarnn.full((2,), 0.5, dtype=numbarnn.float64)
    view, version = x[:], x._version.count
    assert getattr(x, name)(*arguments) is x
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-15)
    np.testing.assert_allclose(view.numpy(), expected, rtol=1e-15)
    assert x._version.count == version + 1
    check_gradients(lambda t: getattr(t * 1, name)(*arguments), np.array([0.5, 0.7]))


def test_in_place_operators() -> None:
    x = y = numbarnn.tensor([2.0, 4.0])
    x += 1
    x -= numbarnn.ones(2)
    x *= np.array([3.0, 1.0])
    x /= 2
    x **= 2
    assert x is y
    assert x.tolist() == [9, 4]


def test_random_fills() -> None:
    numbarnn.manual_seed(1)
    x = numbarnn.zeros(1000).uniform_(-2, 3)
    assert -2 <= x.min().item() < -1.9
    assert 2.9 < x.max().item() < 3
    x.normal_(5, 0.5)
    assert abs(x.mean().item() - 5) < 0.1
    assert abs(x.std().item() - 0.5) < 0.05


def test_leaves_that_require_grad_are_not_written_while_recording() -> None:
    w = leaf(1, 2)
    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad is being used"):
        w += 1
    with pytest.raises(RuntimeError, match=r"^a leaf Variable"):
        w.zero_()
    with pytest.raises(RuntimeError, match=r"^a view of a leaf Variable"):
        w[0] = 3
    with pytest.raises(RuntimeError, match=r"^a view of a leaf Variable"):
        w[:1].mul_(3)
    assert w.tolist() == [1, 2]
    with numbarnn.no_grad():
        w += 1
        w[0] = 7
    w.data.mul_(2)
    assert w.tolist() == [14, 6]
    assert w.is_leaf


def test_values_needed_for_backward_must_not_be_written() -> None:
    x = leaf(1, 2)
    y = x.tanh()
    y += 1
    with pytest.raises(RuntimeError, match="one of the variables needed for gradient computation has been modified"):
        y.sum().backward()
    z = x * 2
    product = z * z
    z[0] = 5
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


def test_sums_need_no_values() -> None:
    x = leaf(1, 2)
    y = x + 1
    y += 1
    y.sum().backward()
    assert grad(x) == [1, 1]


def test_writes_that_do_not_fit_change_nothing() -> None:
    x, whole = numbarnn.ones(2), numbarnn.ones(2, dtype=numbarnn.int64)
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
        x.add_(numbarnn.ones(3, 2))
    with pytest.raises(RuntimeError, match="The size of tensor a"):
        x.add_(numbarnn.ones(3))
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        whole.add_(1.5)
    with pytest.raises(RuntimeError, match="single memory location"):
        numbarnn.ones(1).expand(3).add_(1)
    with pytest.raises(RuntimeError):
        numbarnn.ones(1).copy_(numbarnn.ones(2))
    assert x.tolist() == whole.tolist() == [1, 1]


def test_recorded_writes_through_a_view_of_a_base_in_another_order() -> None:
    base = numbarnn.from_numpy(np.asfortranarray(np.zeros((2, 3), np.float32)))
    y = leaf(1, 2, 3)
    base[0].add_(y)
    base.t()[1].mul_(y[0] + 4)
    (base * numbarnn.tensor([[1.0, 2, 3], [4, 5, 6]])).sum().backward()
    assert base.tolist() == [[1, 10, 3], [0, 0, 0]]
    assert grad(y) == [1 + 2 * 2, 2 * 5, 3]


def test_a_base_with_gaps_cannot_take_a_recorded_write_through_a_view() -> None:
    base = numbarnn.from_numpy(np.zeros((4, 3), np.float32)[::2])
    with pytest.raises(RuntimeError, match=r"base\[index\] = value"):
        base[0].add_(leaf(1, 2, 3))
    y = leaf(1, 2, 3)
    base[0] = y
    (base * 2).sum().backward()
    assert grad(y) == [2, 2, 2]


def test_iteration_length_and_membership() -> None:
    x = numbarnn.tensor([[1.0, 2], [3, 4]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert 3 in x
    assert 5 not in x
    with pytest.raises(TypeError, match="0-d"):
        len(x[0, 0])
    with pytest.raises(TypeError, match="0-d"):
        iter(x[0, 0])


def test_index_range_errors_of_gather_and_index_select() -> None:
    x = numbarnn.ones(2, 3)
    with pytest.raises(RuntimeError, match="index 5 is out of bounds for dimension 1"):
        x.gather(1, numbarnn.tensor([[5]]))
    with pytest.raises(RuntimeError, match="same number of dimensions"):
        x.gather(1, numbarnn.tensor([0]))
    with pytest.raises(RuntimeError, match="Size does not match at dimension 0"):
        x.gather(1, numbarnn.zeros(3, 1, dtype=numbarnn.int64))
    with pytest.raises(IndexError, match="index 5"):
        x.index_select(0, numbarnn.tensor([5]))
    with pytest.raises(IndexError, match="vector"):
        x.index_select(0, numbarnn.tensor([[0]]))


def test_what_an_index_was_is_what_the_way_back_knows() -> None:
    """Also where a bound is a tensor, which may be written to before."""
    bound, place = numbarnn.tensor(2), [0, slice(1, 3)]
    x = numbarnn.zeros(4, 5, requires_grad=True)
    y = x[:bound].sum() + x[tuple(place)].sum() * 10
    bound += 2
    place[0] = 3
    y.backward()
    expected = np.zeros((4, 5))
    expected[:2] += 1
    expected[0, 1:3] += 10
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("index", [(0, 1, 2), (0, 0, 0, 0), (slice(None),) * 4, 5, (1, -6)])
def test_an_index_that_does_not_fit_is_told_in_torchs_words(index: Any) -> None:
    with pytest.raises(IndexError, match=r"tensor of dimension 2|out of bounds for dimension"):
        numbarnn.zeros(4, 5)[index]
    assert numbarnn.zeros(4, 5)[3, -5].shape == ()
    with pytest.raises(IndexError):
        numbarnn.zeros(())[0]
