"""Exported models in ONNX Runtime, beside themselves; without it, tests that import this are skipped."""

from __future__ import annotations

import io

import numpy as np
import pytest

import numbarnn as nb

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
SEVERE_ONLY = 3


def session_of(model, args=None, **options):
    """The exported model, checked, in ONNX Runtime."""
    file = io.BytesIO()
    nb.onnx.export(model, args, file, **options)
    onnx.checker.check_model(onnx.load_from_string(file.getvalue()), full_check=True)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SEVERE_ONLY
    return onnxruntime.InferenceSession(file.getvalue(), settings, providers=["CPUExecutionProvider"])


def flat(result):
    """The tensors in nested tuples and lists."""
    if isinstance(result, (tuple, list)):
        return [tensor for part in result for tensor in flat(part)]
    return [] if result is None else [result]


def check(session, model, *arrays):
    """ONNX Runtime's results are ours; its tanh loses digits near 0."""
    with nb.no_grad():
        ours = flat(model.eval()(*(a if a is None else nb.tensor(a) for a in arrays)))
    names = [i.name for i in session.get_inputs()]
    theirs = session.run(None, dict(zip(names, [a for a in arrays if a is not None], strict=True)))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.numpy().dtype == other.dtype
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-5, atol=1e-5)


def shapes(session):
    """Those of all inputs and outputs, by name."""
    return {v.name: v.shape for v in (*session.get_inputs(), *session.get_outputs())}
