"""Export to ONNX of what models do around an RNN, and the refusal of what a file cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_cases import check, session_of

import numbarnn as nb
import numbarnn.nn.functional as F
from numbarnn import nn
from numbarnn.autograd import record


class Around(nn.Module):
    """An RNN, and `after` of what it returns."""

    def __init__(self, after):
        super().__init__()
        self.rnn, self.fc, self.relu = nn.RNN(5, 7, batch_first=True), nn.Linear(7, 3), nn.ReLU(inplace=True)
        self.scale = nn.Parameter(nb.randn(7))
        self.register_buffer("shift", nb.randn(1, 7))
        self.after = after

    def forward(self, x):
        return self.after(self, x, *self.rnn(x))


EXPORTED = {
    "mean": lambda m, x, o, h: o.mean(dim=1),
    "amax": lambda m, x, o, h: (o.amax(1, keepdim=True) - o.amin((0, 1)), o.mean()),
    "sum": lambda m, x, o, h: (o.sum(1), o.sum()),
    "arithmetic": lambda m, x, o, h: (1 - o) * m.scale / 2 + m.shift,
    "elementwise": lambda m, x, o, h: nb.tanh(o) + o.sigmoid() ** 2 + F.relu(o).square() + (o.abs() + 1).log().exp(),
    "softmax": lambda m, x, o, h: (F.softmax(m.fc(o), dim=-1), nb.maximum(o, nb.sin(o))),
    "views": lambda m, x, o, h: m.fc(o.reshape(-1, 7)).view(x.size(0), x.size(1), 3),
    "flatten": lambda m, x, o, h: (o.flatten(1), o.flatten(), o.transpose(0, 1).contiguous().view(-1, 7)),
    "ones": lambda m, x, o, h: (o.unsqueeze(2), h.squeeze(0), h[0][:, None, :, None], h.unsqueeze(0).squeeze(1)),
    "slices": lambda m, x, o, h: (o[:, 1:, ::2], o[..., -2], o[:, -3:, None], o[-1], o[:, :100], o[:, : x.size(1)]),
    "indices": lambda m, x, o, h: (o[:, 2], o[:, -3, 4], h[0, None, :, None, 2:]),
    "flip": lambda m, x, o, h: (o.flip(1), o.permute(2, 0, 1)),
    "cat": lambda m, x, o, h: nb.cat([x, o, o.double().float()], dim=-1),
    "expand": lambda m, x, o, h: h[0].unsqueeze(1).expand(-1, x.size(1), -1) + o + nb.ones(x.size(0), 1, 7),
    "matmul": lambda m, x, o, h: (o @ nb.ones(7, 2), o.transpose(1, 2) @ o, nb.ones(7) @ o[:, -1].T),
    "structure": lambda m, x, o, h: [o, (h, None), o, x],
    "unused": lambda m, x, o, h: (m.fc(o), h)[0],
}


@pytest.mark.parametrize("name", EXPORTED)
def test_operations_around_an_rnn(name):
    rng = np.random.default_rng(4)
    model = Around(EXPORTED[name])
    session = session_of(model)
    for B, T in ((4, 6), (1, 3), (2, 9)):
        check(session, model, rng.standard_normal((B, T, 5)).astype(np.float32))


# ---------------------------------------------------------------------------------------------------------------------
# what cannot be exported

VALUES, DEPENDS = "Around: the values of a tensor", "depending on the length of batch or time"
REFUSED = {
    "item": (lambda m, x, o, h: o.sum().item(), VALUES),
    "branch": (lambda m, x, o, h: o if o.sum() > 0 else -o, VALUES),
    "numpy": (lambda m, x, o, h: nb.tensor(o.numpy()), VALUES),
    "ufunc": (lambda m, x, o, h: np.tanh(o), VALUES),
    "argmax": (lambda m, x, o, h: o.argmax(-1), r"test_operations.py, line \d+: .*argmax"),
    "contains": (lambda m, x, o, h: o if 1.0 in o else -o, VALUES),
    "repr": (lambda m, x, o, h: (str(o), o)[1], VALUES),
    "iteration": (lambda m, x, o, h: list(o), VALUES),
    "write": (lambda m, x, o, h: o.add_(1), VALUES),
    "item write": (lambda m, x, o, h: o.__setitem__((0, 0), 1), VALUES),
    "inplace layer": (lambda m, x, o, h: m.relu(o), r"relu \(ReLU\): the values"),
    "functional layer": (lambda m, x, o, h: F.linear(o, m.fc.weight), "modules such as nn.Linear"),
    "operation": (lambda m, x, o, h: o.cumsum(1), "Around: the operation Cumsum cannot"),
    "width": (lambda m, x, o, h: m.fc(x), r"fc \(Linear\): input: expected float32 of shape \(.*, 7\)"),
    "packed": (lambda m, x, o, h: m.rnn(nn.utils.rnn.PackedSequence(o, nb.tensor([1]))), "lengths="),
    "error": (lambda m, x, o, h: o.reshape(7, 7, -1), "failed: shape"),
    "constant": (lambda m, x, o, h: nb.zeros(3), "returns a tensor that does not depend"),
    "number": (lambda m, x, o, h: 5, "returns 5"),
    "random": (lambda m, x, o, h: o + nb.randn(7), "Add other values as input 1"),
    "functional dropout": (lambda m, x, o, h: F.dropout(o), DEPENDS),
    "loop": (lambda m, x, o, h: sum(o[:, t] for t in range(x.size(1))), f"loop.*{DEPENDS}"),
    "branch on length": (lambda m, x, o, h: o if x.size(1) > 500 else -o, DEPENDS),
    "outputs": (lambda m, x, o, h: o if x.size(1) > 500 else h, "other tensors"),
    "division by length": (lambda m, x, o, h: o / x.size(1), DEPENDS),
    "index": (lambda m, x, o, h: o[:, x.size(1) - 1], "count from the end"),
    "slice": (lambda m, x, o, h: o[:, : x.size(1) // 2], "a slice depends on the length"),
    "shape": (lambda m, x, o, h: nb.zeros(x.size(1) - 1, 1, 7) + o[:, None, -1], "the shape of a constant depends"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exported_is_refused(name, tmp_path):
    after, message = REFUSED[name]
    with pytest.raises(nb.onnx.OnnxExporterError, match=message):
        nb.onnx.export(Around(after), f=tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert record.tracer is None
