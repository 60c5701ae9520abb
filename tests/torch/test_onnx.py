"""RNNs that torch wrote to ONNX files."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

import numbarnn as nb

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


@pytest.mark.parametrize("options", [
    {}, {"num_layers": 3, "batch_first": True, "nonlinearity": "relu"}, {"bidirectional": True, "bias": False},
    {"bidirectional": True, "num_layers": 2, "batch_first": True},
], ids=str)  # fmt: skip
def test_files_of_torch(options):
    theirs, file = torch.nn.RNN(5, 7, **options), io.BytesIO()
    x = torch.randn(6, 4, 5)
    with warnings.catch_warnings():  # torch would rather have its other exporter used, which needs a further package
        warnings.simplefilter("ignore")
        torch.onnx.export(
            theirs, (x,), file, dynamo=False, opset_version=14, input_names=["x"], dynamic_axes={"x": [0, 1]}
        )
    ours = nb.onnx.load_rnn(io.BytesIO(file.getvalue()))
    assert repr(ours) == repr(theirs).replace(", bias=False", "" if ours.bias else ", bias=False")
    for y, z in zip(ours(x.numpy()), theirs(x), strict=True):
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-5, atol=1e-6)
