"""RNN and RNNCell beside torch's, live: values and all gradients over options, sizes and layouts of the input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_pairs import assert_same, assert_same_gradients, backward_both, check_rnn, floats, leaves, pair

import numbarnn

torch = pytest.importorskip("torch")

Array = np.ndarray


@pytest.mark.parametrize("kind", ["batched", "alone", "packed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_all_options(nonlinearity: str, dtype: str, kind: str) -> None:
    torch.manual_seed(1)
    # In float32 one pre-activation in a few millions rounds to the other side of relu's kink: not too many of them.
    depths = (1, 2) if (nonlinearity, dtype) == ("relu", "float32") else (1, 2, 3)
    for layers, bidirectional, bias, first, given_h in itertools.product(depths, *[(False, True)] * 4):
        modules = pair("RNN", 5, 7, layers, nonlinearity, bias, first, 0.0, bidirectional, dtype=dtype)
        batch = () if kind == "alone" else (4,)
        x = floats(1, *((*batch, 6, 5) if first and batch else (6, *batch, 5)), dtype=dtype)
        h_0 = floats(2, layers * (1 + bidirectional), *batch, 7, dtype=dtype)
        check_rnn(*modules, x, h_0 if given_h else None, [3, 6, 1, 4] if kind == "packed" else None)


@settings(derandomize=True, max_examples=80, deadline=None, database=None)
@given(st.data())
def test_sizes_and_options(data: st.DataObject) -> None:
    def choose(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    T, B, I, H, layers, seed = (choose(*r) for r in ((1, 12), (1, 9), (1, 20), (1, 40), (1, 3), (0, 1000)))
    bias, first, bidirectional, given_h, packed = (data.draw(st.booleans()) for _ in range(5))
    f, dtype = data.draw(st.sampled_from([("tanh", "float32"), ("tanh", "float64"), ("relu", "float64")]))
    lengths = data.draw(st.lists(st.integers(1, T), min_size=B, max_size=B)) if packed else None
    if lengths:
        lengths[seed % B] = T
    torch.manual_seed(seed)
    modules = pair("RNN", I, H, layers, f, bias, first, 0.0, bidirectional, dtype=dtype)
    x = floats(seed, *((B, T) if first else (T, B)), I, dtype=dtype)
    h_0 = floats(seed + 1, layers * (1 + bidirectional), B, H, dtype=dtype)
    check_rnn(*modules, x, h_0 if given_h else None, lengths)


LAYOUTS = {
    "transposed": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 2)[::2, :, ::3],
    "negative": lambda a: a[::-1, :, ::-1].copy()[::-1, :, ::-1],
    "broadcast": lambda a: np.broadcast_to(a[:, :1], a.shape),
    "broadcast step": lambda a: np.broadcast_to(a[:1], a.shape),
}


def _unaligned(a: Array) -> Array:
    view = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


LAYOUTS["unaligned"] = _unaligned


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts(layout: str, batch_first: bool) -> None:
    modules = pair("RNN", 5, 7, 2, batch_first=batch_first, bidirectional=True)
    x, h_0 = (
        LAYOUTS[layout](floats(i, *shape)) for i, shape in enumerate([(6, 4, 5), (4, 6 if batch_first else 4, 7)])
    )
    assert layout == "unaligned" or not x.flags.c_contiguous
    check_rnn(*modules, x, h_0)
    cells = pair("RNNCell", 5, 7)
    x_n, x_t = leaves(x[0])
    h_n, h_t = leaves(h_0[0, :4] if not batch_first else h_0[:, 0])
    found, expected = cells[0](x_n, h_n), cells[1](x_t, h_t)
    assert_same(found, expected)
    backward_both([found], [expected])
    assert_same_gradients(*cells, (x_n, x_t), (h_n, h_t))


def test_read_only_arrays_are_read() -> None:
    ours, theirs = pair("RNN", 5, 7)
    x = floats(0, 6, 4, 5)
    x.flags.writeable = False
    assert_same(ours(x)[0], theirs(torch.tensor(x))[0])


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, 1e-42])
def test_values_at_the_edge(nonlinearity: str, value: float) -> None:
    torch.manual_seed(1)
    ours, theirs = pair("RNN", 5, 7, 2, nonlinearity)
    x = floats(0, 6, 4, 5)
    x[2, 1, 3] = value
    x_n, x_t = leaves(x)
    found, expected = ours(x_n), theirs(x_t)
    backward_both(list(found), list(expected))
    results = [*found, x_n.grad, *(p.grad for p in ours.parameters())]
    wanted = [*expected, x_t.grad, *(p.grad for p in theirs.parameters())]
    for y, z in zip(results, wanted, strict=True):
        y, z = y.detach().numpy(), z.detach().numpy()
        finite = np.isfinite(z)
        assert np.array_equal(y[~finite], z[~finite], equal_nan=True)
        np.testing.assert_allclose(y[finite], z[finite], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_empty_batch(bidirectional: bool) -> None:
    modules = pair("RNN", 5, 7, 2, bidirectional=bidirectional)
    check_rnn(*modules, floats(0, 6, 0, 5), floats(0, 4 if bidirectional else 2, 0, 7))
    check_rnn(*modules, floats(0, 6, 0, 5), None)
    assert all(not p.grad.numpy().any() for p in modules[0].parameters())


@pytest.mark.parametrize("what", ["output", "h_n", "last", "nothing of layer 0"])
def test_gradients_of_a_part(what: str) -> None:
    ours, theirs = pair("RNN", 5, 7, 2, bidirectional=True)
    x_n, x_t = leaves(floats(0, 6, 4, 5))
    parts = {
        "output": lambda o, h: o,
        "h_n": lambda o, h: h,
        "last": lambda o, h: o[-1],
        "nothing of layer 0": lambda o, h: h[2],
    }
    for module in (ours, theirs):
        module.weight_hh_l0.requires_grad_(False)
        module.bias_ih_l1.requires_grad_(False)
    backward_both([parts[what](*ours(x_n))], [parts[what](*theirs(x_t))])
    assert_same_gradients(ours, theirs, (x_n, x_t))
    assert ours.weight_hh_l0.grad is None


def test_only_the_first_state_requires_grad() -> None:
    ours, theirs = (module.requires_grad_(False) for module in pair("RNN", 5, 7))
    x, (h_n, h_t) = floats(0, 6, 4, 5), leaves(floats(1, 1, 4, 7))
    backward_both([ours(x, h_n)[0]], [theirs(torch.tensor(x), h_t)[0]])
    assert_same_gradients(ours, theirs, (h_n, h_t))
    assert not ours(x)[0].requires_grad


def test_gradients_accumulate_and_graphs_are_kept_on_demand() -> None:
    ours, theirs = pair("RNN", 5, 7, 2)
    x_n, x_t = leaves(floats(0, 6, 4, 5))
    found, expected = list(ours(x_n)), list(theirs(x_t))
    backward_both(found, expected, retain_graph=True)
    backward_both(found, expected, seed=3)
    backward_both(list(ours(x_n)), list(theirs(x_t)), seed=4)
    assert_same_gradients(ours, theirs, (x_n, x_t))
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        found[0].sum().backward()


def test_states_through_calls_and_detached_between_them() -> None:
    modules = pair("RNN", 5, 7, 2)
    x = floats(0, 12, 4, 5)
    outputs: list[list[Any]] = []
    for lib, module in zip((numbarnn, torch), modules, strict=True):
        h, parts = None, []
        for number, chunk in enumerate(np.split(x, 4)):
            output, h = module(lib.tensor(chunk), h)
            parts.append(output)
            if number == 1:
                h = h.detach()
        outputs.append([*parts, h])
    backward_both(*outputs)
    assert_same_gradients(*modules)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch", [(), (1,), (6,)])
def test_cell_in_a_loop(nonlinearity: str, bias: bool, batch: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    cells = pair("RNNCell", 5, 7, bias=bias, nonlinearity=nonlinearity, dtype="float64")
    xs, hs = leaves(floats(0, 9, *batch, 5, dtype="float64")), leaves(floats(1, *batch, 7, dtype="float64"))
    results = []
    for cell, x, h in zip(cells, xs, hs, strict=True):
        steps = []
        for x_t in x:
            h = cell(x_t, h)
            steps.append(h)
        results.append(steps)
    for y, z in zip(*results, strict=True):
        assert_same(y, z)
    backward_both(*results)
    assert_same_gradients(*cells, xs, hs)


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("lengths", [None, [3, 6, 1, 4]])
def test_seeded_dropout_drops_what_torch_drops(p: float, lengths: list[int] | None) -> None:
    modules = pair("RNN", 5, 7, 3, dropout=p, bidirectional=True)
    numbarnn.manual_seed(11)
    torch.manual_seed(11)
    check_rnn(*modules, floats(0, 6, 4, 5), None, lengths)
