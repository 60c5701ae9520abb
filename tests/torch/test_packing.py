"""Packing and padding beside torch: values, gradients, layouts and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbarnn
from numbarnn.nn.utils import rnn as ours

torch = pytest.importorskip("torch")
theirs = torch.nn.utils.rnn

#: sequences of distinct lengths have one order only; torch leaves open how it orders equal ones
distinct_lengths = st.lists(st.integers(1, 9), min_size=1, max_size=6, unique=True)
any_lengths = st.lists(st.integers(1, 6), min_size=1, max_size=6)
trailing = st.lists(st.integers(1, 3), max_size=2)


def both(array: Any) -> tuple[Any, Any]:
    return numbarnn.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def padded_array(lengths: list[int], extra: int, rest: list[int], batch_first: bool) -> Any:
    steps, batch = max(lengths) + extra, len(lengths)
    shape = (batch, steps, *rest) if batch_first else (steps, batch, *rest)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def assert_same(mine: Any, other: Any) -> None:
    if other is None:
        assert mine is None
        return
    assert str(mine.dtype) == str(other.dtype).removeprefix("torch.")
    np.testing.assert_array_equal(mine.detach().numpy(), other.detach().numpy())


@settings(deadline=None, max_examples=60)
@given(distinct_lengths, st.integers(0, 2), trailing, st.booleans(), st.booleans())
def test_pack(lengths: list[int], extra: int, rest: list[int], batch_first: bool, presorted: bool) -> None:
    if presorted:
        lengths = sorted(lengths, reverse=True)
    mine, other = both(padded_array(lengths, extra, rest, batch_first))
    packed = ours.pack_padded_sequence(mine, lengths, batch_first, enforce_sorted=presorted)
    expected = theirs.pack_padded_sequence(other, lengths, batch_first, enforce_sorted=presorted)
    for field, reference in zip(packed, expected, strict=True):
        assert_same(field, reference)
    (packed.data * packed.data).sum().backward()
    (expected.data * expected.data).sum().backward()
    assert_same(mine.grad, other.grad)


@settings(deadline=None, max_examples=60)
@given(any_lengths, st.integers(0, 2), trailing, st.booleans())
def test_round_trip(lengths: list[int], extra: int, rest: list[int], batch_first: bool) -> None:
    results = []
    array = padded_array(lengths, extra, rest, batch_first)
    for library, leaf in zip((ours, theirs), both(array), strict=True):
        packed = library.pack_padded_sequence(leaf, lengths, batch_first, enforce_sorted=False)
        padded, back = library.pad_packed_sequence(packed, batch_first, -1.5, total_length=max(lengths) + 1)
        (padded**2).sum().backward()
        results.append((padded, back, leaf.grad, packed.batch_sizes))
    for mine, other in zip(*results, strict=True):
        assert_same(mine, other)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), trailing, st.booleans(), st.sampled_from(["left", "right"]))
def test_pad_sequence(lengths: list[int], rest: list[int], batch_first: bool, side: str) -> None:
    rng = np.random.default_rng(1)
    pairs = [both(rng.standard_normal((n, *rest)).astype(np.float32)) for n in lengths]
    mine = ours.pad_sequence([m for m, _ in pairs], batch_first, 2.5, side)
    other = theirs.pad_sequence([t for _, t in pairs], batch_first, 2.5, side)
    assert_same(mine, other)
    (mine**2).sum().backward()
    (other**2).sum().backward()
    for m, t in pairs:
        assert_same(m.grad, t.grad)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-1, 8), min_size=1, max_size=6), trailing, st.booleans())
def test_unpad_sequence(lengths: list[int], rest: list[int], batch_first: bool) -> None:
    mine, other = both(padded_array([5] * len(lengths), 0, rest, batch_first))
    sequences = ours.unpad_sequence(mine, numbarnn.tensor(lengths), batch_first)
    # torch transposes what it is given, in place, so it is given a copy
    expected = theirs.unpad_sequence(other.clone(), torch.tensor(lengths), batch_first)
    for m, t in zip(sequences, expected, strict=True):
        assert_same(m, t)
    sum((s**2).sum() for s in sequences).backward()
    sum((s**2).sum() for s in expected).backward()
    assert_same(mine.grad, other.grad)


@settings(deadline=None, max_examples=40)
@given(any_lengths)
def test_pack_and_unpack_sequence(lengths: list[int]) -> None:
    pairs = [both(np.arange(n, dtype=np.float32) + 10 * i) for i, n in enumerate(lengths)]
    packed = ours.pack_sequence([m for m, _ in pairs], enforce_sorted=False)
    expected = theirs.pack_sequence([t for _, t in pairs], enforce_sorted=False)
    assert_same(packed.batch_sizes, expected.batch_sizes)
    for m, t in zip(ours.unpack_sequence(packed), theirs.unpack_sequence(expected), strict=True):
        assert_same(m, t)


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(6)))
def test_invert_permutation(permutation: list[int]) -> None:
    assert_same(
        ours.invert_permutation(numbarnn.tensor(permutation)), theirs.invert_permutation(torch.tensor(permutation))
    )


def programs(nn: Any, tensor: Any, utils: Any) -> dict[str, Any]:
    x = tensor(np.arange(24.0, dtype=np.float32).reshape(4, 3, 2))
    packed = utils.pack_padded_sequence(x, [3, 2, 1])
    unsorted = utils.pack_padded_sequence(x, [2, 3, 1], enforce_sorted=False)
    return {
        "repr": lambda: repr(packed),
        "repr, unsorted": lambda: repr(unsorted),
        "double": lambda: unsorted.double().data.tolist(),
        "to itself": lambda: packed.float() is packed,
        "integers padded with a fraction": lambda: utils.pad_packed_sequence(packed.long(), padding_value=1.7)[
            0
        ].tolist(),
        "float lengths": lambda: utils.pack_padded_sequence(x, [2.7, 2.2, 1.9]).batch_sizes.tolist(),
        "bool lengths": lambda: utils.pack_padded_sequence(x, [True, True, True]).batch_sizes.tolist(),
        "mixed types": lambda: repr(utils.pad_sequence([x[:, 0, 0].long(), x[:2, 0, 1]])),
        "a tensor as the list": lambda: utils.pad_sequence(x).tolist(),
        "unsorted lengths": lambda: utils.pack_padded_sequence(x, [1, 2, 3]),
        "count": lambda: utils.pack_padded_sequence(x, [3, 2]),
        "zero": lambda: utils.pack_padded_sequence(x, [3, 2, 0]),
        "negative, unsorted": lambda: utils.pack_padded_sequence(x, [3, -1, 2], enforce_sorted=False),
        "empty batch": lambda: utils.pack_padded_sequence(x[:, :0], []),
        "no lengths": lambda: utils.pack_padded_sequence(x, []),
        "0-D lengths": lambda: utils.pack_padded_sequence(x, tensor(3)),
        "2-D lengths": lambda: utils.pack_padded_sequence(x, [[3, 2, 1]]),
        "no lengths at all": lambda: utils.pack_padded_sequence(x, None),
        "1-D input": lambda: utils.pack_padded_sequence(x[0, 0], [1]),
        "list as input": lambda: utils.pack_padded_sequence([[1]], [1]),
        "batch_first": lambda: utils.pack_padded_sequence(x, [3, 2, 1], 1),
        "total_length": lambda: utils.pad_packed_sequence(packed, total_length=2),
        "total_length 3.5": lambda: utils.pad_packed_sequence(packed, total_length=3.5),
        "padding_value": lambda: utils.pad_packed_sequence(packed, padding_value="a"),
        "pad a tensor": lambda: utils.pad_packed_sequence(x),
        "empty batch_sizes": lambda: utils.pad_packed_sequence(utils.PackedSequence(x[0], tensor([3])[:0])),
        "2-D batch_sizes": lambda: utils.pad_packed_sequence(utils.PackedSequence(x[0], tensor([[3]]))),
        "rising batch_sizes": lambda: utils.pad_packed_sequence(utils.PackedSequence(x[0], tensor([1, 2]))),
        "empty list": lambda: utils.pad_sequence([]),
        "no iterable": lambda: utils.pad_sequence(5),
        "numbers": lambda: utils.pad_sequence([1, 2]),
        "scalars": lambda: utils.pad_sequence([tensor(1.0)]),
        "shapes": lambda: utils.pad_sequence([x[:, 0, :1], x[:2, 0]]),
        "padding_side": lambda: utils.pad_sequence([x], padding_side="up"),
        "padding_side 1": lambda: utils.pad_sequence([x], padding_side=1),
        "pad value": lambda: utils.pad_sequence([x], padding_value="a"),
        "unpad count": lambda: utils.unpad_sequence(tensor(np.ones((2, 3))), tensor([1, 2])),
        "unpad 1-D": lambda: utils.unpad_sequence(x[0, 0], tensor([1])),
        "pack nothing": lambda: utils.pack_sequence([]),
        "pack a number": lambda: utils.pack_sequence(5),
        "pack unsorted": lambda: utils.pack_sequence([x[:1], x]),
        "pack an empty one": lambda: utils.pack_sequence([x, x[:0]]),
        "no pair": lambda: utils.PackedSequence(x),
        "no data": lambda: utils.PackedSequence(),
        "permutation beyond": lambda: utils.invert_permutation(tensor([2, 0, 5])),
        "permutation of floats": lambda: utils.invert_permutation(tensor([1.0, 0.0])),
        "permutation 2-D": lambda: utils.invert_permutation(tensor([[1, 0]])),
        "permutation a list": lambda: utils.invert_permutation([1, 0]),
    }


OURS = programs(numbarnn.nn, numbarnn.tensor, ours)
THEIRS = programs(torch.nn, torch.tensor, theirs)
#: what both libraries say, where torch says something of its own making
STEMS = {
    "unsorted lengths": "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True.",
    "count": "Expected `len(lengths)` to be equal to batch_size, but got 2 (batch_size=3)",
    "zero": "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
    "negative, unsorted": "Length of all samples has to be greater than 0, but found",
    "empty batch": "Cannot pack empty tensors",
    "no lengths": "Expected `len(lengths)` to be equal to batch_size, but got 0 (batch_size=3)",
    "0-D lengths": "'lengths' argument should be a 1D CPU int64 tensor, but got 0D",
    "2-D lengths": "'lengths' argument should be a 1D CPU int64 tensor, but got 2D",
    "total_length": "got total_length=2 and max sequence length being 3",
    "empty batch_sizes": "batch_sizes can not be empty",
    "empty list": "received an empty list of sequences",
    "no iterable": "pad_sequence: Expected iterable for input sequences, but got arg of type: <class 'int'>",
    "numbers": "expected Tensor as element 0 in argument",
    "padding_side": "Expected padding_side to be one of left or right, but got up.",
    "1-D input": "Dimension out of range",
    "unpad 1-D": "Dimension out of range",
    "permutation beyond": "index 5 is out of bounds for dimension 0 with size 3",
    "permutation of floats": "Expected dtype int32/int64 for index",
    "no pair": "Expected data to be a list or tuple of length 2",
}


def outcome(program: Any) -> tuple[Any, str]:
    try:
        return program(), ""
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", OURS)
def test_same_outcome(name: str) -> None:
    (mine, said), (other, reference) = outcome(OURS[name]), outcome(THEIRS[name])
    assert mine == other
    assert STEMS.get(name, "") in said
    assert STEMS.get(name, "") in reference


@settings(deadline=None, max_examples=25)
@given(any_lengths, st.booleans(), st.booleans(), st.integers(1, 2))
def test_rnn_on_packed_sequences(lengths: list[int], bidirectional: bool, with_h0: bool, layers: int) -> None:
    """Through the layer and back: outputs, h_n in the caller's order, and every gradient."""
    directions = 1 + bidirectional
    results = []
    state = torch.nn.RNN(3, 4, layers, bidirectional=bidirectional).state_dict()
    x_array = padded_array(lengths, 0, [3], batch_first=False)
    h_array = np.random.default_rng(2).standard_normal((layers * directions, len(lengths), 4)).astype(np.float32)
    for library, nn, utils, x, h0 in (
        (numbarnn, numbarnn.nn, ours, *(numbarnn.tensor(a, requires_grad=True) for a in (x_array, h_array))),
        (torch, torch.nn, theirs, *(torch.tensor(a, requires_grad=True) for a in (x_array, h_array))),
    ):
        rnn = nn.RNN(3, 4, layers, bidirectional=bidirectional)
        rnn.load_state_dict({k: library.from_numpy(v.numpy().copy()) for k, v in state.items()})
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, h_n = rnn(packed, h0) if with_h0 else rnn(packed)
        padded, _ = utils.pad_packed_sequence(output)
        ((padded**2).sum() + (h_n**3).sum()).backward()
        gradients = [x.grad, *(p.grad for p in rnn.parameters())] + ([h0.grad] if with_h0 else [])
        results.append([padded, h_n, *gradients])
    for mine, other in zip(*results, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=2e-4, atol=2e-5)
