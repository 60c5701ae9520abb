"""NaN and infinity anywhere beside torch: in the input, the first state, each parameter, and the gradients.

Where torch's result is finite ours is and equal; where it is NaN or infinite ours is the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import nn

torch = pytest.importorskip("torch")

Array = np.ndarray

#: nothing so large that sums overflow: whether they do depends on their order
VALUES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "large": 1e30, "subnormal": 1e-42}
#: sizes with a part of a panel, a part of a tile, a single row; and more steps than one block of projections
SIZES = {"small": (5, 3, 4, 7), "one sequence": (60, 1, 5, 20), "tall": (4, 17, 9, 45)}
PLACES = ("x", "h_0", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l1", "weight_hh_l1",
          "bias_ih_l1_reverse", "weight_ih_l0_reverse", "d_output", "d_h_n")  # fmt: skip


def problem(T: int, B: int, I: int, H: int) -> dict[str, Array]:
    """Two layers in both directions: parameters by their names, inputs and incoming gradients."""
    rng = np.random.default_rng(4)
    shapes = {"x": (T, B, I), "h_0": (4, B, H), "d_output": (T, B, 2 * H), "d_h_n": (4, B, H)}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    for name, p in torch.nn.RNN(I, H, 2, bidirectional=True).named_parameters():
        arrays[name] = rng.uniform(-(H**-0.5), H**-0.5, tuple(p.shape))
    return {name: a.astype(np.float32) for name, a in arrays.items()}


def results(library: Any, arrays: dict[str, Array], nonlinearity: str) -> dict[str, Array]:
    given = {name: library.tensor(a.copy()) for name, a in arrays.items()}
    (_, _, I), H = arrays["x"].shape, arrays["h_0"].shape[-1]
    rnn = library.nn.RNN(I, H, 2, nonlinearity=nonlinearity, bidirectional=True)
    rnn.load_state_dict({name: given[name] for name in rnn.state_dict()})
    x, h_0 = given["x"].requires_grad_(), given["h_0"].requires_grad_()
    output, h_n = rnn(x, h_0)
    total = (output * given["d_output"]).sum() + (h_n * given["d_h_n"]).sum()
    total.backward()
    found = {"output": output, "h_n": h_n, "x.grad": x.grad, "h_0.grad": h_0.grad}
    found |= {f"{name}.grad": p.grad for name, p in rnn.named_parameters()}
    return {name: t.detach().numpy() for name, t in found.items()}


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
def test_what_is_not_finite_is_where_torch_has_it(value: str, size: str, nonlinearity: str) -> None:
    arrays = problem(*SIZES[size])
    wrong = []
    for place in PLACES:
        changed = {name: a.copy() for name, a in arrays.items()}
        changed[place].flat[changed[place].size // 2] = VALUES[value]
        ours, theirs = (results(library, changed, nonlinearity) for library in (numbarnn, torch))
        for name, expected in theirs.items():
            finite = np.isfinite(expected)
            same = np.array_equal(ours[name][~finite], expected[~finite], equal_nan=True)
            scale = np.max(np.abs(expected[finite]), initial=1e-30)
            close = np.allclose(ours[name][finite] / scale, expected[finite] / scale, rtol=1e-4, atol=1e-5)
            if not same or not close:
                wrong.append(f"{place} -> {name}: {'other values' if same else 'not finite elsewhere'}")
    assert not wrong, "\n".join(["", *wrong])


def test_the_cell_and_packed_sequences_keep_nan_to_their_own_sequence() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 5)).astype(np.float32)
    x[1, 2, 3] = math.nan
    lengths = [6, 5, 4, 1]
    for library in (numbarnn, torch):
        cell = library.nn.RNNCell(5, 7)
        assert np.array_equal(np.isnan(cell(library.tensor(x[1])).detach().numpy()).any(axis=1), [0, 0, 1, 0])
        packed = library.nn.utils.rnn.pack_padded_sequence(library.tensor(x), lengths)
        output, h_n = library.nn.RNN(5, 7, bidirectional=True)(packed)
        padded = library.nn.utils.rnn.pad_packed_sequence(output)[0].detach().numpy()
        forward, back = np.isnan(padded[..., :7]).any(axis=2), np.isnan(padded[..., 7:]).any(axis=2)
        assert np.array_equal(np.argwhere(forward).tolist(), [[1, 2], [2, 2], [3, 2]])
        assert np.array_equal(np.argwhere(back).tolist(), [[0, 2], [1, 2]])
        assert np.array_equal(np.isnan(h_n.detach().numpy()).any(axis=2), [[0, 0, 1, 0]] * 2)


def test_padding_that_is_nan_is_never_read() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 5)).astype(np.float32)
    lengths = [6, 5, 0, 1]
    for b, length in enumerate(lengths):
        x[length:, b] = math.nan
    x_t = numbarnn.tensor(x, requires_grad=True)
    rnn = nn.RNN(5, 7, 2, bidirectional=True)
    output, h_n = rnn(x_t, lengths=lengths)
    (output.sum() + h_n.sum()).backward()
    for t in (output.detach(), h_n.detach(), x_t.grad, *(p.grad for p in rnn.parameters())):
        assert np.isfinite(t.numpy()).all()
