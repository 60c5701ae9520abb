"""Packing and padding: values, gradients, the caller's order."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from gradcheck import check_gradients

import numbarnn as nb
from numbarnn.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

T, B, F = 4, 3, 2
LENGTHS = ([4, 3, 1], [1, 4, 3], [3, 1, 4], [4, 4, 4], [1, 1, 1], [2, 2, 1], [1, 2, 2])


def padded_array(batch_first: bool = False) -> Any:
    array = np.arange(1.0, T * B * F + 1, dtype=np.float32).reshape(T, B, F)
    return array.swapaxes(0, 1).copy() if batch_first else array


def packed_by_hand(padded: Any, lengths: list[int]) -> tuple[Any, list[int]]:
    """Rows of (T, B, *) in packed order, and the batch sizes, by loops."""
    order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
    rows = [padded[t, b] for t in range(max(lengths)) for b in order if lengths[b] > t]
    return np.array(rows), [sum(n > t for n in lengths) for t in range(max(lengths))]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_pack_orders_rows_by_step_then_by_length(lengths: list[int], batch_first: bool) -> None:
    padded = nb.tensor(padded_array(batch_first))
    packed = pack_padded_sequence(padded, lengths, batch_first=batch_first, enforce_sorted=False)
    rows, batch_sizes = packed_by_hand(padded_array(), lengths)
    np.testing.assert_array_equal(packed.data.numpy(), rows)
    assert packed.batch_sizes.tolist() == batch_sizes
    assert packed.batch_sizes.dtype == nb.int64
    assert packed.sorted_indices is not None
    assert packed.unsorted_indices is not None
    assert packed.sorted_indices[packed.unsorted_indices].tolist() == list(range(B))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_pad_brings_back_the_callers_order(lengths: list[int], batch_first: bool) -> None:
    padded = nb.tensor(padded_array(batch_first))
    packed = pack_padded_sequence(padded, lengths, batch_first=batch_first, enforce_sorted=False)
    back, back_lengths = pad_packed_sequence(packed, batch_first=batch_first, padding_value=-1.5, total_length=5)
    expected = np.full((5, B, F), -1.5, np.float32)
    for b, length in enumerate(lengths):
        expected[:length, b] = padded_array()[:length, b]
    np.testing.assert_array_equal(back.numpy(), expected.swapaxes(0, 1) if batch_first else expected)
    assert back_lengths.tolist() == lengths
    assert back_lengths.dtype == nb.int64


def test_sorted_lengths_need_no_indices_and_may_stop_before_t() -> None:
    packed = pack_padded_sequence(nb.tensor(padded_array()), [2, 2, 1])
    assert packed.sorted_indices is None
    assert packed.unsorted_indices is None
    assert packed.batch_sizes.tolist() == [3, 2]
    padded, lengths = pad_packed_sequence(packed)
    assert padded.shape == (2, B, F)
    assert lengths.tolist() == [2, 2, 1]


@pytest.mark.parametrize("lengths", [[3, 2, 1], (3, 2, 1), np.array([3, 2, 1]), np.array([3, 2, 1], np.int32)])
@pytest.mark.parametrize("wrap", [lambda a: a, nb.tensor])
def test_lengths_and_inputs_of_any_kind(lengths: Any, wrap: Any) -> None:
    packed = pack_padded_sequence(wrap(padded_array()), lengths)
    as_tensor = pack_padded_sequence(wrap(padded_array()), nb.tensor([3, 2, 1]))
    assert packed.data.tolist() == as_tensor.data.tolist() == packed_by_hand(padded_array(), [3, 2, 1])[0].tolist()


def test_float_lengths_are_cut_off() -> None:
    assert pack_padded_sequence(padded_array(), [2.7, 2.2, 1.9]).batch_sizes.tolist() == [3, 2]


def test_two_dimensions_integers_and_bools() -> None:
    labels = nb.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    packed = pack_padded_sequence(labels, [2, 1, 3], batch_first=True, enforce_sorted=False)
    assert repr(packed) == (
        "PackedSequence(data=tensor([4, 1, 3, 5, 2, 6]), batch_sizes=tensor([3, 2, 1]), "
        "sorted_indices=tensor([2, 0, 1]), unsorted_indices=tensor([1, 2, 0]))"
    )
    padded, _ = pad_packed_sequence(packed, batch_first=True, padding_value=7.9)
    assert padded.tolist() == [[1, 2, 7], [3, 7, 7], [4, 5, 6]]
    mask = pack_padded_sequence(labels > 1, [2, 1, 3], batch_first=True, enforce_sorted=False)
    assert pad_packed_sequence(mask, True, padding_value=1)[0].tolist() == [[0, 1, 1], [1, 1, 1], [1, 1, 1]]


def test_the_result_shares_no_memory_with_the_input() -> None:
    padded = padded_array()
    packed = pack_padded_sequence(padded, [4, 4, 4])
    padded[:] = 0
    assert packed.data.tolist()[0] == [1, 2]


# ---------------------------------------------------------------------------------------------------------------------
# pad_sequence, unpad_sequence, pack_sequence, unpack_sequence


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_pad_sequence(batch_first: bool, side: str) -> None:
    a, b = nb.tensor([[1.0, 2.0]]), np.array([[3, 4], [5, 6]], np.float32)
    padded = pad_sequence([a, b], batch_first=batch_first, padding_value=9, padding_side=side)
    rows = [[9, 9], [1, 2]] if side == "left" else [[1, 2], [9, 9]]
    expected = np.array([rows, [[3, 4], [5, 6]]], np.float32)
    np.testing.assert_array_equal(padded.numpy(), expected if batch_first else expected.swapaxes(0, 1))
    assert padded.dtype == nb.float32


def test_pad_sequence_takes_generators_tensors_and_the_first_type() -> None:
    assert pad_sequence(nb.ones(n) for n in (1, 2)).tolist() == [[1, 1], [0, 1]]
    assert pad_sequence(nb.tensor([[1, 2], [3, 4]]), batch_first=True).tolist() == [[1, 2], [3, 4]]
    assert pad_sequence([nb.tensor([1, 2]), nb.tensor([1.9])]).tolist() == [[1, 1], [2, 0]]
    assert pad_sequence([nb.zeros(0, 2)]).shape == (0, 1, 2)


@pytest.mark.parametrize("lengths", [[3, 0, 9], nb.tensor([3, -1, 4]), np.array([3, 0, 4])])
def test_unpad_sequence_copies_and_leaves_the_input_alone(lengths: Any) -> None:
    padded = nb.tensor(padded_array())
    sequences = unpad_sequence(padded, lengths)
    assert padded.shape == (T, B, F)
    for sequence, column, length in zip(sequences, range(B), (3, 0, 4), strict=True):
        np.testing.assert_array_equal(sequence.numpy(), padded_array()[:length, column])
    sequences[0].fill_(0)
    np.testing.assert_array_equal(padded.numpy(), padded_array())


def test_pack_and_unpack_sequence() -> None:
    sequences = [nb.tensor([1.0, 2.0]), nb.tensor([3.0, 4.0, 5.0]), np.array([6], np.float32)]
    packed = pack_sequence(sequences, enforce_sorted=False)
    assert packed.data.tolist() == [3, 1, 6, 4, 2, 5]
    assert [s.tolist() for s in unpack_sequence(packed)] == [[1, 2], [3, 4, 5], [6]]


# ---------------------------------------------------------------------------------------------------------------------
# gradients


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_gradients(lengths: list[int], batch_first: bool) -> None:
    padded = padded_array(batch_first)

    def there_and_back(x: Any) -> Any:
        packed = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
        return packed.data * packed.data, *pad_packed_sequence(packed, batch_first=batch_first, total_length=5)

    check_gradients(there_and_back, padded)
    check_gradients(lambda x: [s * s for s in unpad_sequence(x, lengths, batch_first=batch_first)], padded)


@pytest.mark.parametrize("side", ["left", "right"])
def test_gradients_of_pad_sequence(side: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, F)) for n in (2, 4, 1)]
    for batch_first in (False, True):
        check_gradients(lambda *s, b=batch_first: pad_sequence(s, b, padding_side=side) ** 2, *arrays)
    check_gradients(lambda *s: pack_sequence(s, enforce_sorted=False).data ** 2, *arrays)


def test_gradient_stays_zero_beyond_the_lengths_and_may_be_partial() -> None:
    x = nb.tensor(padded_array(), requires_grad=True)
    pack_padded_sequence(x, [3, 2, 1]).data.sum().backward()
    assert x.grad is not None
    assert x.grad[:, :, 0].tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    y = nb.tensor(padded_array(), requires_grad=True)
    unpad_sequence(y, [3, 2, 1])[1].sum().backward()
    assert y.grad is not None
    assert y.grad[:, :, 0].tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_one_node_an_operation() -> None:
    x = nb.tensor(padded_array(), requires_grad=True)
    packed = pack_padded_sequence(x, [1, 2, 3], enforce_sorted=False)
    padded, lengths = pad_packed_sequence(packed)
    assert str(packed.data.grad_fn).startswith("<PackPaddedSequenceBackward")
    assert packed.data.grad_fn is not None
    assert packed.data.grad_fn.edges == (x,)
    assert padded.grad_fn is not None
    assert padded.grad_fn.edges == ((packed.data.grad_fn, 0),)
    assert not lengths.requires_grad
    assert len({id(sequence.grad_fn) for sequence in unpad_sequence(x, [1, 2, 3])}) == 1


# ---------------------------------------------------------------------------------------------------------------------
# PackedSequence itself


def test_constructor() -> None:
    data, sizes, order = nb.ones(3), nb.tensor([2, 1]), nb.tensor([1, 0])
    assert PackedSequence(data, sizes)[2:] == (None, None)
    pair = PackedSequence((data, sizes), sorted_indices=order)
    assert pair.data is data
    assert pair.batch_sizes is sizes
    assert pair.unsorted_indices is not None
    assert pair.unsorted_indices.tolist() == [1, 0]
    assert PackedSequence(np.ones(3, np.float32), np.array([2, 1])).data.tolist() == [1, 1, 1]
    with pytest.raises(AssertionError, match="Expected data to be a list or tuple of length 2"):
        PackedSequence(data)


def test_is_a_named_tuple() -> None:
    packed = pack_sequence([nb.ones(2), nb.ones(1)])
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    assert packed._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
    assert data is packed.data
    assert batch_sizes.tolist() == [2, 1]
    assert sorted_indices is unsorted_indices is None
    assert type(packed._replace(data=data * 2)) is PackedSequence


def test_conversions() -> None:
    packed = pack_sequence([nb.ones(1), nb.ones(2)], enforce_sorted=False)
    assert packed.to(nb.float32) is packed.float() is packed.cpu() is packed.to("cpu") is packed
    double = packed.double()
    assert double.data.dtype == packed.to(nb.float64).data.dtype == nb.float64
    assert double.sorted_indices is packed.sorted_indices
    assert packed.long().data.dtype == nb.int64
    assert not packed.is_cuda


@pytest.mark.parametrize("clone", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy])
def test_pickle_and_deepcopy(clone: Any) -> None:
    packed = pack_sequence([nb.ones(1), nb.ones(2)], enforce_sorted=False)
    again = clone(packed)
    assert type(again) is PackedSequence
    assert repr(again) == repr(packed)
    assert again.data is not packed.data


def test_invert_permutation() -> None:
    assert invert_permutation(None) is None
    for permutation in (nb.tensor([2, 0, 1]), np.array([2, 0, 1])):
        inverse = invert_permutation(permutation)
        assert inverse is not None
        assert inverse.tolist() == [1, 2, 0]
