"""The contract of RNN and RNNCell: what is refused and how, what is let pass, what dropout does."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from contract import ALLOWED, CALLS, CONSTRUCTION, Allowed, Refused
from tolerance import assert_close

import numbarnn as nb
from numbarnn import nn
from numbarnn.nn.utils.rnn import PackedSequence, pack_padded_sequence


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def with_input(x: Any, hx: Any = None, lengths: Any = None) -> Any:
    return lambda t: t.nn.RNN(3, 4, 2)(x, hx, lengths)


def with_packed(*fields: Any, **options: Any) -> Any:
    return lambda t: t.nn.RNN(3, 4, 2)(PackedSequence(*(nb.tensor(f) for f in fields)), **options)


X = zeros(5, 2, 3)
ARRAY = "expected a numbarnn.Tensor or a NumPy array, got "
NOT = f"input: {ARRAY}"
BETWEEN, INTEGERS = (
    "lengths: expected numbers between 0 and the 5 steps of input, got ",
    "lengths: expected integers, got ",
)
ONE_EACH = "lengths: expected one for each of 2 sequences, got shape "
ONCE = "sorted_indices: expected each of 0 to 1 once, got "

#: what only this library can be asked: NumPy arrays, lengths, and packed sequences that torch computes nonsense of
ARRAYS = [
    Refused("array float64", with_input(X.astype(float)), ValueError, "RNN input dtype (float64) does not match weight "
            "dtype (float32). Convert input: input.astype(float32), or convert model: model.to(float64)"),
    Refused("array float16", with_input(X.astype("f2")), ValueError, "RNN input dtype (float16) does not match weight"),
    Refused("array complex", with_input(X.astype("c8")), ValueError, "RNN input dtype (complex64) does not match"),
    Refused("array of objects", with_input(X.astype(object)), ValueError, "RNN input dtype (object) does not match"),
    Refused("array big-endian", with_input(X.astype(">f4")), ValueError, "RNN input dtype (>f4) does not match weight"),
    Refused("array hx", with_input(X, np.zeros((2, 2, 4))), RuntimeError, "hx dtype (float64) does not match weight"),
    Refused("None", with_input(None), TypeError, NOT + "NoneType"),
    Refused("list", with_input([[0.0, 0.0, 0.0]]), TypeError, NOT + "list"),
    Refused("tuple", with_input((X, X)), TypeError, NOT + "tuple"),
    Refused("str", with_input("abc"), TypeError, NOT + "str"),
    Refused("number", with_input(1.0), TypeError, NOT + "float"),
    Refused("hx of an LSTM", with_input(X, (X, X)), TypeError, f"hx: {ARRAY}tuple"),
    Refused("hx 0", with_input(X, 0), TypeError, f"hx: {ARRAY}int"),
    Refused("cell list", lambda t: t.nn.RNNCell(3, 4)([0.0] * 3), TypeError, NOT + "list"),
    Refused("cell hx list", lambda t: t.nn.RNNCell(3, 4)(X[0], [0.0]), TypeError, f"hx: {ARRAY}list"),
    Refused("cell packed", lambda t: t.nn.RNNCell(3, 4)(PackedSequence(nb.zeros(3, 3), nb.tensor([2, 1]))), TypeError,
            NOT + "PackedSequence"),
    Refused("dtype big-endian", lambda t: t.nn.RNN(3, 4, dtype=">f4"), ValueError, "dtype: expected native byte order"),
    Refused("dtype float16", lambda t: t.nn.RNN(3, 4, dtype=np.float16), TypeError, "dtype: expected float32, float64"),
    Refused("dtype complex", lambda t: t.nn.RNN(3, 4, dtype=np.complex64), TypeError, "dtype: expected float32"),
    Refused("weight removed", lambda t: _without(t.nn.RNN(3, 4))(X), TypeError, f"weight_hh: {ARRAY}"),
    Refused("weight of another type", lambda t: _mixed(t.nn.RNN(3, 4))(X), RuntimeError, "weight_hh of layer 0: expect"
            "ed float32 of shape [4, 4], got float64 of shape [4, 4]"),
    Refused("weights float16", lambda t: t.nn.functional.rnn_cell(*(np.zeros((3, 3), "f2"),) * 4), RuntimeError,
            "weight_ih: expected float32 or float64, got float16"),
    Refused("weights big-endian", lambda t: t.nn.functional.rnn_cell(*(np.zeros((3, 3), ">f8"),) * 4), RuntimeError,
            "weight_ih: expected float32 or float64, got >f8"),
    Refused("lengths above T", with_input(X, None, [6, 2]), RuntimeError, BETWEEN + "2 to 6"),
    Refused("lengths negative", with_input(X, None, [-1, 2]), RuntimeError, BETWEEN + "-1 to 2"),
    Refused("lengths uint64", with_input(X, None, np.array([2**63, 1], np.uint64)), RuntimeError, BETWEEN + "1 to 922"),
    Refused("lengths too few", with_input(X, None, [5]), RuntimeError, ONE_EACH + "[1]"),
    Refused("lengths too many", with_input(X, None, [5, 5, 5]), RuntimeError, ONE_EACH + "[3]"),
    Refused("lengths none", with_input(X, None, []), RuntimeError, ONE_EACH + "[0]"),
    Refused("lengths number", with_input(X, None, 5), RuntimeError, ONE_EACH + "[]"),
    Refused("lengths 2-D", with_input(X, None, [[5, 5]]), RuntimeError, ONE_EACH + "[1, 2]"),
    Refused("lengths float", with_input(X, None, [5.0, 2.0]), TypeError, INTEGERS + "float64"),
    Refused("lengths bool", with_input(X, None, [True, True]), TypeError, INTEGERS + "bool"),
    Refused("lengths str", with_input(X, None, "55"), TypeError, INTEGERS),
    Refused("lengths huge", with_input(X, None, [2**80, 1]), TypeError, INTEGERS + "object"),
    Refused("lengths None", with_input(X, None, [None, 1]), TypeError, INTEGERS + "object"),
    Refused("lengths set", with_input(X, None, {1, 2}), TypeError, INTEGERS + "object"),
    Refused("lengths nested", with_input(X, None, [[1], [2, 3]]), TypeError, INTEGERS + "[[1], [2, 3]]"),
    Refused("lengths and packed", with_packed(zeros(3, 3), [2, 1], lengths=[2, 1]), ValueError, "lengths: expected "),
    Refused("packed rows", with_packed(zeros(4, 3), [2, 1]), RuntimeError, "batch_sizes: expected their sum to be "),
    Refused("packed zero", with_packed(zeros(2, 3), [2, 0]), RuntimeError, "batch_sizes: expected positive integers"),
    Refused("packed float", with_packed(zeros(3, 3), [2.0, 1.0]), RuntimeError, "batch_sizes: expected positive integ"),
    Refused("indices outside", with_packed(zeros(3, 3), [2, 1], [0, 5], [0, 1]), RuntimeError, ONCE + "[0, 5]"),
    Refused("indices negative", with_packed(zeros(3, 3), [2, 1], [0, -1], [0, 1]), RuntimeError, ONCE + "[0, -1]"),
    Refused("indices twice", with_packed(zeros(3, 3), [2, 1], [0, 0], [0, 1]), RuntimeError, ONCE + "[0, 0]"),
    Refused("indices too few", with_packed(zeros(3, 3), [2, 1], [0], [0]), RuntimeError, ONCE + "[0]"),
]  # fmt: skip


def _without(rnn: nn.RNN) -> nn.RNN:
    rnn.weight_hh_l0 = None
    return rnn


def _mixed(rnn: nn.RNN) -> nn.RNN:
    rnn.weight_hh_l0 = nn.Parameter(nb.zeros(4, 4, dtype=nb.float64))
    return rnn


def refuse(row: Refused) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(row.error) as caught:
            row.call(nb)
    assert caught.type is row.error
    assert str(caught.value).startswith(row.stem)


@pytest.mark.parametrize("row", CONSTRUCTION + CALLS + ARRAYS, ids=lambda row: row.name)
def test_refused(row: Refused) -> None:
    refuse(row)


@pytest.mark.parametrize("row", ALLOWED, ids=lambda row: row.name)
def test_allowed(row: Allowed) -> None:
    assert row.call(nb) == row.value


@pytest.mark.parametrize("row", CONSTRUCTION, ids=lambda row: row.name)
def test_a_refused_construction_draws_nothing(row: Refused) -> None:
    nb.manual_seed(3)
    expected = nb.rand(2)
    nb.manual_seed(3)
    refuse(row)
    assert nb.equal(nb.rand(2), expected)


def test_a_refused_call_leaves_the_model_as_it_was() -> None:
    rng = np.random.default_rng(0)
    x, h_0 = nb.tensor(rng.standard_normal((5, 2, 3)).astype("f4"), requires_grad=True), zeros(2, 2, 4) + 0.5
    rnn = nn.RNN(3, 4, 2, dropout=0.5)
    wrong = [
        (x[:, :, :2], h_0, None), (x.double(), h_0, None), (x, h_0[:1], None), (x, h_0.astype(float), None),
        (x, h_0, [9, 1]), (x, h_0, [1.5, 1]), (x[:0], h_0, None), ([1.0], h_0, None), (x, "h", None),
        (pack_padded_sequence(x, [5, 5]), h_0[:, :1], None), (pack_padded_sequence(x, [5, 5]), h_0, [5, 5]),
    ]  # fmt: skip

    def everything() -> list[bytes]:
        nb.manual_seed(1)
        for arguments in wrong if refused else ():
            with pytest.raises((RuntimeError, ValueError, TypeError)):
                rnn(*arguments)
        output, h_n = rnn(x, h_0)
        rnn.zero_grad()
        (output.sum() + h_n.sum()).backward()
        tensors = [output, h_n, *rnn.parameters(), *(p.grad for p in rnn.parameters()), nb.tensor(h_0)]
        return [t.detach().numpy().tobytes() for t in tensors]

    refused = False
    expected = everything()
    refused = True
    assert everything() == expected
    assert rnn.training


def test_mode_chooses_the_nonlinearity_as_in_torch() -> None:
    rnn, x = nn.RNN(3, 4), np.random.default_rng(0).standard_normal((5, 2, 3)).astype("f4")
    rnn.mode = "RNN_RELU"
    assert rnn(x)[0].min() == 0
    cell = nn.RNNCell(3, 4)
    cell.nonlinearity = "relu"
    assert nb.equal(cell(x[0]), nn.functional.rnn_cell(x[0], None, *cell.parameters(), nonlinearity="relu"))


# ---------------------------------------------------------------------------------------------------------------------
# dropout


def transparent(p: float, num_layers: int = 2, H: int = 6, bidirectional: bool = False) -> nn.RNN:
    """Layers above the first pass on what they get: its output shows what dropout did."""
    rnn = nn.RNN(H, H, num_layers, "relu", dropout=p, bidirectional=bidirectional)
    with nb.no_grad():
        for name, parameter in rnn.named_parameters():
            parameter.zero_()
            if "weight_ih" in name:
                parameter.copy_(nb.eye(H, parameter.shape[1]))
    return rnn


def positive(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(0.5, 1.5, shape).astype(np.float32)


def kept(output: nb.Tensor, x: np.ndarray, p: float) -> np.ndarray:
    """Which elements went through; each is scaled by 1 / (1 - p)."""
    values = output.detach().numpy()
    mask = values != 0
    assert_close(values, np.where(mask, x / np.float32(1 - p), 0))
    return mask


def test_dropout_draws_for_each_element_of_each_step() -> None:
    nb.manual_seed(0)
    x, p = positive(40, 30, 6), 0.3
    mask = kept(transparent(p)(x)[0], x, p)
    assert abs(mask.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / mask.size)
    for axis in range(3):
        assert not np.array_equal(mask, np.roll(mask, 1, axis))
        others = tuple(i for i in range(3) if i != axis)
        share = mask.mean(axis=others)  # no step, sequence or feature is dropped or kept as a whole
        assert 0.2 < share.min() <= share.max() < 0.95


def test_dropout_leaves_h_n_of_the_lower_layers() -> None:
    x = positive(5, 8, 6)
    output, h_n = transparent(0.5)(x)
    assert np.array_equal(h_n.detach()[0], x[-1])
    assert np.array_equal(h_n.detach()[1], output.detach()[-1])


def test_dropout_of_three_layers_and_two_directions() -> None:
    x, p = positive(5, 8, 6), 0.5
    values = transparent(p, 3)(x)[0].detach().numpy()
    assert set(np.unique((values / x).round(4))) == {0, 4}
    nb.manual_seed(4)
    output, h_n = transparent(p, bidirectional=True)(x)
    kept(output[..., :6], x, p)  # the upper layer reads the features of the first direction
    assert np.array_equal(h_n.detach()[:2], [x[-1], x[0]])


@pytest.mark.parametrize("lengths", [None, [5, 3, 0, 5, 1, 2, 5, 4]])
def test_dropout_of_padded_and_packed_sequences(lengths: list[int] | None) -> None:
    x, p = positive(5, 8, 6), 0.5
    valid = np.ones((5, 8), bool) if lengths is None else np.arange(5)[:, None] < np.array(lengths)
    output = transparent(p)(x, None, lengths)[0]
    mask = kept(output, x * valid[..., None], p)
    assert not mask[~valid].any()
    assert 0.3 < mask[valid].mean() < 0.7
    if lengths is None:
        packed = pack_padded_sequence(nb.tensor(x), [5, 4, 4, 3, 2, 2, 1, 1])
        kept(transparent(p)(packed)[0].data, packed.data.numpy(), p)


def test_dropout_only_in_training_and_between_layers() -> None:
    x = positive(5, 8, 6)
    assert np.array_equal(transparent(0.5).eval()(x)[0].detach(), x)
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last recurrent layer"):
        single = transparent(0.5, num_layers=1)
    assert np.array_equal(single(x)[0].detach(), x)


def test_dropout_can_be_changed_after_construction() -> None:
    x = positive(5, 8, 6)
    rnn = transparent(0.5)
    rnn.dropout = 0.0
    assert np.array_equal(rnn(x)[0].detach(), x)
    rnn.dropout = 0.25
    kept(rnn(x)[0], x, 0.25)


def test_dropout_with_probability_1() -> None:
    rnn, x = transparent(1.0), nb.tensor(positive(5, 8, 6), requires_grad=True)
    output, h_n = rnn(x)
    assert not output.detach().numpy().any()
    assert np.array_equal(h_n.detach()[0], x.detach()[-1])
    output.sum().backward()
    assert not x.grad.numpy().any()
    assert all(np.isfinite(p.grad.numpy()).all() for p in rnn.parameters())


def test_dropout_repeats_after_the_seed() -> None:
    rnn, x = nn.RNN(3, 4, 3, dropout=0.5), positive(5, 8, 3)
    nb.manual_seed(9)
    first, second = rnn(x)[0], rnn(x)[0]
    assert not nb.equal(first, second)
    nb.manual_seed(9)
    assert nb.equal(rnn(x)[0], first)
