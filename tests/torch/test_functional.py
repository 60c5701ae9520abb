"""Functions of nn.functional beside torch's: arguments by every name, edge shapes, types, gradients, errors, draws."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")

_draw = np.random.default_rng(0)
#: floats, which require grad; p and q are probabilities
SHAPES: dict[str, tuple[int, ...]] = {
    "x": (2, 3), "x1": (3,), "x0": (), "e": (0, 3), "z": (2, 0), "x3": (2, 3, 4), "x11": (1, 1), "x31": (3, 1),
    "y": (2, 3), "w": (2, 3), "t": (5, 3), "lin": (4, 3), "b4": (4,),
}  # fmt: skip
VALUES: dict[str, np.ndarray] = {
    **{name: _draw.uniform(-2, 2, shape).astype(np.float32) for name, shape in SHAPES.items()},
    "p": _draw.random((2, 3), np.float32),
    "q": _draw.random((2, 3), np.float32),
    "d": _draw.uniform(-2, 2, (2, 3)),
    "nan": np.array([[np.nan, 1, 2], [np.inf, -np.inf, 0]], np.float32),
    "xb": np.array([[1e30, -1e30, 0], [1, 2, 3]], np.float32),
}
#: what does not
CONSTANTS: dict[str, np.ndarray] = {
    "w3": _draw.uniform(-2, 2, 3).astype(np.float32),
    "W3": np.array([0.5, 2, 1], np.float32),
    "i": _draw.integers(-2, 3, (2, 3)),
    "i32": _draw.integers(-2, 3, (2, 3)).astype(np.int32),
    "b": _draw.random((2, 3)) < 0.5,
    "c": np.array([2, 0]),
    "c24": _draw.integers(0, 3, (2, 4)),
    "cneg": np.array([-100, 1]),
    "ii": _draw.integers(0, 5, (2, 2)),
}
CALLS = """
tanh(x) | tanh(input=x) | tanh(i) | tanh(b) | tanh(e) | tanh(x0) | tanh(3.0) | tanh([1.0]) | tanh(None) | tanh(d)
tanh(nan)
sigmoid(x) | sigmoid(input=x) | sigmoid(i) | sigmoid(nan) | sigmoid(b)
relu(x) | relu(input=x, inplace=False) | relu(i) | relu(b) | relu(x.clone(), True) | relu(nan)
relu(i.clone(), inplace=True) | relu(3) | relu(i32)
softmax(x, 1) | softmax(x, dim=-1, dtype=T.float64) | softmax(i, 1, dtype=T.float32) | softmax(i, 1) | softmax(x, 2)
softmax(x, -3) | softmax(x0, 0) | softmax(x0, -1) | softmax(x0, 1) | softmax(e, 0) | softmax(e, 1) | softmax(z, 1)
softmax(input=x, dim=0, _stacklevel=3, dtype=None) | softmax(x, 1, 3, T.float64) | softmax(x) | softmax(x1)
softmax(x3) | softmax(x0) | softmax(x, 'a') | softmax(x, 1.0) | softmax(x, None) | softmax(nan, 1) | softmax(xb, 1)
softmax(b, 0) | softmax(x, 1, dtype=T.int64) | softmax(x, (0, 1)) | softmax(x, T.tensor(1))
softmax(d, 0, dtype=T.float32) | softmax(x.t(), 0) | softmax(x3.transpose(0, 2), 1) | softmax(x, 1).t()
softmax(x[:, :1], 1) | softmax(x[:1], 0) | softmax(e.t(), 0) | softmax(i32, 0)
softmax(T.tensor([float('inf'), 1.0]), 0) | softmax(T.tensor([-float('inf')]*2), 0)
log_softmax(x, 1) | log_softmax(x, dim=-1, dtype=T.float64) | log_softmax(i, 1) | log_softmax(x, 2)
log_softmax(x0, 0) | log_softmax(e, 0) | log_softmax(input=x, dim=0, _stacklevel=3, dtype=None) | log_softmax(x)
log_softmax(nan, 1) | log_softmax(xb, 1) | log_softmax(i, 1, dtype=T.float64) | log_softmax(x, 1, dtype=T.int64)
log_softmax(z, 1) | log_softmax(x[:, :1], 1) | log_softmax(x0, -1) | log_softmax(x0, 1)
log_softmax(b, 0, dtype=T.float32) | log_softmax(T.tensor([-float('inf')]*2), 0)
dropout(x, 0.0) | dropout(x, 0.5, False) | dropout(input=x, p=0.3, training=True, inplace=False) | dropout(x, 1.0)
dropout(x, 1.1) | dropout(x, -0.1) | dropout(i, 0.5) | dropout(i, 0.0) | dropout(i, 1.0) | dropout(i, 0.5, False)
dropout(x.clone(), 0.5, True, True) | dropout(e) | dropout(x0) | dropout(x, 'a') | dropout(x, None)
dropout(x, True) | dropout(3.0) | dropout(x, T.tensor(0.5)) | dropout(x, 1) | dropout(nan, 1.0) | dropout(b, 0.5)
dropout(x, float('nan')) | dropout(d, 0.3) | dropout(i, 1) | dropout(e.long(), 0.5) | dropout(x, 1.0, inplace=False)
dropout(x.clone(), 1.0, True, True) | dropout(x3[:, ::2], 0.4) | dropout(x, 1e-9) | dropout(x, 0.999999)
dropout(x[:, :0], 0.5) | dropout(x0, 0.5) | dropout(x, p=0.5, training=0) | dropout(x, p=0.5, training=None)
dropout(T.ones(3000), 0.5) | dropout(T.ones(3, 1000), 0.1)
linear(x, lin) | linear(x, lin, b4) | linear(input=x, weight=lin, bias=b4) | linear(x1, lin) | linear(x3, lin)
linear(e, lin, b4) | linear(x, x1) | linear(x1, x1) | linear(x, lin, w3) | linear(x, lin, x0) | linear(d, lin)
linear(i, lin) | linear(i, i) | linear(x0, lin) | linear(z, T.zeros(4, 0)) | linear(z, T.zeros(4, 0), b4)
linear(x, T.zeros(0, 3)) | linear(x, lin, None) | linear(x, lin, bias=x11) | linear(x, lin, T.ones(1))
linear(x, lin, T.ones(2, 4)) | linear(x, lin, b4.double()) | linear(x1, x1, x0) | linear(x, x3)
linear(d, lin.double(), b4.double()) | linear(x, lin[:1]) | linear(x[:0], lin, b4)
linear(x3.transpose(1, 2), lin, b4) | linear(x, lin.t()[:3].t()) | linear(x.t()[:3].t(), lin, b4)
linear(x3.transpose(1, 2)[:0], lin) | linear(x1, lin, b4) | linear(x1[:0], lin[:, :0], b4) | linear(i, i[:1])
linear(b, b) | linear(i32, i32) | linear(x, w3) | linear(x3.transpose(1, 2), w3) | linear(x, lin, T.ones(2, 1))
linear(x, lin, T.ones(5, 2, 4)) | linear(x, lin, T.ones(3, 4)) | linear(x3.transpose(1, 2), lin, T.ones(1, 4))
linear(x, lin, 3.0) | linear(x, 3.0) | linear(3.0, lin) | linear(x1, lin, T.ones(1, 4)) | linear(x, lin, b4.long())
linear(i, i, i[:, 0]) | linear(x1, w3, T.ones(1)) | linear(x, w3, T.ones(2))
embedding(ii, t)
embedding(input=ii, weight=t, padding_idx=1, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False)
embedding(ii, t, -1) | embedding(ii, t, 5) | embedding(ii, t, -6) | embedding(T.tensor([5]), t)
embedding(T.tensor([-1]), t) | embedding(x, t) | embedding(T.tensor(1), t) | embedding(T.zeros(0, dtype=T.int64), t)
embedding(ii, t.clone(), max_norm=1.0) | embedding(ii, t.clone(), None, 0.5, 1.0)
embedding(ii, t.clone(), max_norm=1.0, norm_type=float('inf')) | embedding(ii, w3) | embedding(ii, x3)
embedding([0], t) | embedding(ii.int(), t) | embedding(ii, T.zeros(5, 0))
embedding(T.zeros(0, dtype=T.int64), T.zeros(0, 3)) | embedding(ii, i32.new_ones(5, 3)) | embedding(ii, t, 1.0)
embedding(ii, t, '1') | embedding(ii, t, scale_grad_by_freq=True) | embedding(ii, t, padding_idx=0)
embedding(ii, t, padding_idx=0, scale_grad_by_freq=True) | embedding(ii, t.detach(), max_norm=0.5)
embedding(T.tensor([0, 0]), T.zeros(0, 3)) | embedding(T.tensor([]).long(), t, 0)
embedding(ii, t.detach().requires_grad_(), max_norm=1) | embedding(ii, t, None, None, '2')
embedding(ii, T.ones(5, 3).long()) | embedding(ii, T.ones(5, 3)>0) | embedding(ii, T.ones(5))
embedding(ii, T.tensor(1.0)) | embedding(b, t) | embedding(ii, t, True) | embedding(ii.tolist(), t)
embedding(ii, [[1.0]])
one_hot(ii) | one_hot(ii, 5) | one_hot(tensor=ii, num_classes=7) | one_hot(ii, 2) | one_hot(x)
one_hot(T.tensor(2)) | one_hot(T.zeros(0, dtype=T.int64)) | one_hot(T.zeros(0, dtype=T.int64), 3)
one_hot(T.tensor([-1])) | one_hot(i32) | one_hot(ii, -1) | one_hot(ii, 0) | one_hot(ii, -2) | one_hot(b)
one_hot(ii, 5.0)
mse_loss(x, y) | mse_loss(input=x, target=y, size_average=None, reduce=None, reduction='none')
mse_loss(x, y, reduction='sum') | mse_loss(x, y, weight=w) | mse_loss(x, y, None, None, 'sum', w)
mse_loss(x, y, reduction='none', weight=w) | mse_loss(x, y, weight=w3) | mse_loss(x, w3) | mse_loss(x, x31)
mse_loss(x, i) | mse_loss(i, i) | mse_loss(i, x) | mse_loss(x, d) | mse_loss(d, x) | mse_loss(e, e)
mse_loss(e, e, reduction='sum') | mse_loss(x0, x0) | mse_loss(x, x0) | mse_loss(x, 3.0)
mse_loss(x, y, reduction='foo') | mse_loss(x, y, False) | mse_loss(x, y, True, False)
mse_loss(x, y, reduction=None) | mse_loss(x, y, reduction='elementwise_mean') | mse_loss(b, x) | mse_loss(b, b)
mse_loss(x, y, weight=d) | mse_loss(i, i, weight=w) | mse_loss(x, y, reduction='foo', weight=w)
mse_loss(x, x1, weight=w) | mse_loss(x, y, weight=1.0) | mse_loss(nan, x)
mse_loss(i, i, weight=i, reduction='sum') | mse_loss(x, b) | mse_loss(i, d) | mse_loss(i32, i)
mse_loss(e, e, weight=e) | mse_loss(x, y, weight=w, size_average=False) | mse_loss(x, y, weight=W3)
mse_loss(x, y.detach(), weight=T.ones(2, 3).long()) | mse_loss(i, i, weight=T.ones(2, 3))
mse_loss(x.double(), y, weight=T.ones(2, 3)) | mse_loss(i, i, weight=T.ones(2, 3).long()) | mse_loss(x, T.ones(2))
mse_loss(x, T.ones(4, 1, 1)) | mse_loss(e, x) | mse_loss(e, x1)
l1_loss(x, y) | l1_loss(input=x, target=y, size_average=None, reduce=None, reduction='sum', weight=w)
l1_loss(x, y, weight=w) | l1_loss(x, y, weight=w, reduction='none') | l1_loss(x, w3) | l1_loss(i, i) | l1_loss(x, i)
l1_loss(b, b) | l1_loss(e, e) | l1_loss(x, y, weight=x1) | l1_loss(i, i, weight=i) | l1_loss(x, d)
l1_loss(i, i, reduction='none') | l1_loss(x0, x0) | l1_loss(x, [1.0]) | l1_loss(i, i, weight=T.ones(2, 3).long())
l1_loss(i, i, reduction='sum') | l1_loss(i32, i, reduction='none') | l1_loss(b, b, reduction='none')
l1_loss(x1, T.ones(2, 3)) | l1_loss(x, T.ones(2))
binary_cross_entropy(p, q)
binary_cross_entropy(input=p, target=q, weight=w, size_average=None, reduce=None, reduction='none')
binary_cross_entropy(p, q, w3) | binary_cross_entropy(p, q, x0) | binary_cross_entropy(p, q, x31)
binary_cross_entropy(x, q) | binary_cross_entropy(p, x) | binary_cross_entropy(p, q[:1])
binary_cross_entropy(p, i) | binary_cross_entropy(p, d.sigmoid()) | binary_cross_entropy(i, i)
binary_cross_entropy(e, e) | binary_cross_entropy(p, q, reduction='sum')
binary_cross_entropy(T.tensor([0., 1.]), T.tensor([1., 0.])) | binary_cross_entropy(nan, q)
binary_cross_entropy(p, q, w.double()) | binary_cross_entropy(p, q, weight=x3) | binary_cross_entropy(p, 3.0)
binary_cross_entropy(p, q, T.ones(5)) | binary_cross_entropy(p, b) | binary_cross_entropy(p, q, T.ones(1, 2, 3))
binary_cross_entropy(p, q, i) | binary_cross_entropy(p, q, [1.0]) | binary_cross_entropy(p, q.detach(), W3)
binary_cross_entropy(p, q.detach(), W3.double()) | binary_cross_entropy(p, q.detach(), W3.long())
binary_cross_entropy(p, q.detach(), T.ones(5)) | binary_cross_entropy(p, q.detach(), T.tensor(2.0))
binary_cross_entropy(p, q.detach(), T.tensor(2)) | binary_cross_entropy(p, q.detach(), W3, reduction='sum')
binary_cross_entropy(p.double(), q.detach().double(), W3) | binary_cross_entropy(p, q.detach(), W3>0)
binary_cross_entropy_with_logits(x, q)
binary_cross_entropy_with_logits(input=x, target=q, weight=w, size_average=None, reduce=None, reduction='sum',\
 pos_weight=w3)
binary_cross_entropy_with_logits(x, q, w3, None, None, 'none', x0) | binary_cross_entropy_with_logits(x, q[:1])
binary_cross_entropy_with_logits(x, i) | binary_cross_entropy_with_logits(i, q)
binary_cross_entropy_with_logits(x, d) | binary_cross_entropy_with_logits(e, e)
binary_cross_entropy_with_logits(nan, q) | binary_cross_entropy_with_logits(xb, q)
binary_cross_entropy_with_logits(x, q, pos_weight=x31)
binary_cross_entropy_with_logits(x, q, pos_weight=T.ones(5)) | binary_cross_entropy_with_logits(x, b)
binary_cross_entropy_with_logits(x, y) | binary_cross_entropy_with_logits(x, q, d)
binary_cross_entropy_with_logits(x, q, pos_weight=d) | binary_cross_entropy_with_logits(x, q, i)
binary_cross_entropy_with_logits(i, i) | binary_cross_entropy_with_logits(x, q, T.ones(1, 2, 3))
binary_cross_entropy_with_logits(x, q, 1.0) | binary_cross_entropy_with_logits(x0, x0)
binary_cross_entropy_with_logits(x, q, W3) | binary_cross_entropy_with_logits(x, q, W3.double())
binary_cross_entropy_with_logits(x, q, W3.long()) | binary_cross_entropy_with_logits(x, q, pos_weight=W3)
binary_cross_entropy_with_logits(x, q, pos_weight=W3.double())
binary_cross_entropy_with_logits(x, q, pos_weight=W3.long())
binary_cross_entropy_with_logits(x, q, pos_weight=T.ones(1, 2, 3))
binary_cross_entropy_with_logits(x, q, pos_weight=T.ones(2, 2, 3)) | binary_cross_entropy_with_logits(d, x)
binary_cross_entropy_with_logits(x, q, pos_weight=T.tensor(3.0))
binary_cross_entropy_with_logits(x, q, T.tensor(3)) | binary_cross_entropy_with_logits(x, q, pos_weight=T.tensor(3))
binary_cross_entropy_with_logits(x, q, W3, pos_weight=W3)
binary_cross_entropy_with_logits(x, q.detach(), W3, pos_weight=W3, reduction='none')
binary_cross_entropy_with_logits(x, q, pos_weight=[1.0]) | binary_cross_entropy_with_logits(x, q, T.ones(2, 1))
binary_cross_entropy_with_logits(x, q, T.ones(5)) | binary_cross_entropy_with_logits(d, x, W3)
binary_cross_entropy_with_logits(x, d, W3.double())
cross_entropy(x, c)
cross_entropy(input=x, target=c, weight=w3, size_average=None, ignore_index=-100, reduce=None, reduction='none',\
 label_smoothing=0.1)
cross_entropy(x, c, w3) | cross_entropy(x, cneg) | cross_entropy(x, p)
cross_entropy(x, p, w3, label_smoothing=0.2) | cross_entropy(x3, c24) | cross_entropy(x3, c24, ignore_index=1)
cross_entropy(x3, c24, w3, label_smoothing=0.3, reduction='sum') | cross_entropy(x1, c[0]) | cross_entropy(x1, w3)
cross_entropy(e, c[:0]) | cross_entropy(e, c[:0], reduction='sum') | cross_entropy(e, e) | cross_entropy(z, c)
cross_entropy(x, c, d[0]) | cross_entropy(x, c, i[0]) | cross_entropy(x, d) | cross_entropy(d, x)
cross_entropy(x, c, label_smoothing=-0.1) | cross_entropy(x, c, label_smoothing=1.0) | cross_entropy(i, c)
cross_entropy(x, c[:1]) | cross_entropy(x0, c[0]) | cross_entropy(x, c[0]) | cross_entropy(x, c, ignore_index=0)
cross_entropy(x, cneg*0-100) | cross_entropy(nan, c) | cross_entropy(xb, c) | cross_entropy(x, c, w3[:2])
cross_entropy(x, c, x0) | cross_entropy(x, c, weight=w3.view(1, 3)) | cross_entropy(x, c, ignore_index=None)
cross_entropy(x, c, ignore_index=1.0) | cross_entropy(x, [0, 1]) | cross_entropy(x, c, reduction='foo')
cross_entropy(x, p, ignore_index=1) | cross_entropy(x, i) | cross_entropy(x3, x3.softmax(1)) | cross_entropy(x, c+5)
cross_entropy(x, c-5) | cross_entropy(x, c+5, ignore_index=5) | cross_entropy(x, p, reduction='none')
cross_entropy(e, e, reduction='none') | cross_entropy(x, c, size_average=False)
cross_entropy(x, c, [1.0, 2.0, 3.0]) | cross_entropy(x, b) | cross_entropy(x, x0) | cross_entropy(x11, c[:1]*0)
cross_entropy(x, c, label_smoothing='a') | cross_entropy(x, c, label_smoothing=None) | cross_entropy(x, c, W3)
cross_entropy(x, c, W3.double()) | cross_entropy(x, c, W3.long()) | cross_entropy(d, c, W3)
cross_entropy(x, p, W3.double()) | cross_entropy(x, p, W3.long()) | cross_entropy(d, c, W3.double())
cross_entropy(x, c, W3, label_smoothing=0.3) | cross_entropy(x, c, W3.double(), label_smoothing=0.3)
cross_entropy(x, p, label_smoothing=-0.1) | cross_entropy(x, p, label_smoothing=1.5) | cross_entropy(x, c, W3*0)
cross_entropy(x, c, W3, label_smoothing=0.3, reduction='sum')
cross_entropy(x, p, W3, label_smoothing=0.3, reduction='none') | cross_entropy(x3, x3.softmax(1).detach(), W3)
cross_entropy(x, p, ignore_index=-1) | cross_entropy(x, c, W3.int()) | cross_entropy(x, c, W3>0)
nll_loss(x, c)
nll_loss(input=x, target=c, weight=w3, size_average=None, ignore_index=-100, reduce=None, reduction='none')
nll_loss(x, c, w3) | nll_loss(x, cneg) | nll_loss(x3, c24) | nll_loss(x3, c24, w3, ignore_index=1)
nll_loss(x1, c[0]) | nll_loss(e, c[:0]) | nll_loss(e, c[:0], reduction='sum') | nll_loss(x, cneg*0-100)
nll_loss(x, c+5) | nll_loss(x, x) | nll_loss(i, c) | nll_loss(x, c, d[0]) | nll_loss(x, c, i[0])
nll_loss(x0, c[0]) | nll_loss(x, c[0]) | nll_loss(nan, c) | nll_loss(z, c) | nll_loss(x, c, reduction='foo')
nll_loss(x3, c24[:1]) | nll_loss(x3, c) | nll_loss(x, c24) | nll_loss(x, [0, 1]) | nll_loss(x1, c)
nll_loss(x, c, w3[:2]) | nll_loss(x, c, W3.double()) | nll_loss(d, c, W3) | nll_loss(x, c, W3*0)
"""
#: refused here for good
REFUSED = {f"cross_entropy(x, {target}, label_smoothing=-0.1)" for target in "pc"}


def outcome(library: Any, call: str) -> tuple[Any, ...]:
    """The error's type, or all there is to a result; and the number that would be drawn next."""
    names = {name: library.from_numpy(values.copy()).requires_grad_() for name, values in VALUES.items()}
    constants = {name: library.from_numpy(values.copy()) for name, values in CONSTANTS.items()}
    library.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = eval(f"F.{call}", {"F": library.nn.functional, "T": library, **names, **constants})
        except Exception as error:
            return type(error), str(error)
    following, gradients = library.rand(1).item(), {}
    if found.requires_grad:
        found.backward(library.ones(found.shape, dtype=found.dtype))
        gradients = {name: tensor.grad.numpy() for name, tensor in names.items() if tensor.grad is not None}
    kind = str(found.dtype).removeprefix("torch.")
    return kind, tuple(found.shape), len(caught), found.requires_grad, following, found.detach().numpy(), gradients


@pytest.mark.parametrize("call", [call for line in CALLS.strip().splitlines() for call in line.split(" | ")])
def test_functions_are_torchs(call: str) -> None:
    ours, theirs = outcome(numbarnn, call), outcome(torch, call)
    if call in REFUSED:
        assert ours[0] is RuntimeError
    elif len(theirs) == 2:
        # torch's functions find out that something is no tensor when they look for its attributes
        assert ours[0] is (TypeError if theirs[0] is AttributeError else theirs[0]), ours[1]
    else:
        assert ours[:5] == theirs[:5]
        np.testing.assert_allclose(ours[5], theirs[5], rtol=2e-6, atol=1e-7)
        assert set(ours[6]) == set(theirs[6])
        for name, gradient in theirs[6].items():
            np.testing.assert_allclose(ours[6][name], gradient, rtol=1e-5, atol=1e-6, err_msg=name)
