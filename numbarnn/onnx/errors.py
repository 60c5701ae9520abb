"""What is raised, and how the optional package is had."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..checkpoint.errors import short


class OnnxExporterError(RuntimeError):
    """A model, or a part of one, that cannot be written as ONNX: the message says which; no file is written."""


class OnnxLoadError(ValueError):
    """A file that is damaged or no ONNX model, or whose RNN nodes are not what nn.RNN computes."""


@contextmanager
def reading(label: str) -> Iterator[None]:
    """What is wrong with a file is an OnnxLoadError that names it, in few characters; what it could not be read for
    stays as it is.
    """
    try:
        yield
    except (OSError, MemoryError):
        raise
    except OnnxLoadError as error:
        raise OnnxLoadError(f"{label}: {short(error)}") from error.__cause__
    except Exception as error:  # such a file may lead NumPy to any of its own
        raise OnnxLoadError(f"{label}: the file is damaged: {type(error).__name__}: {short(error)}") from error


def require_onnx() -> Any:
    """The package `onnx`; ImportError that says how to get it."""
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError(f"numbarnn.onnx.export needs the package onnx: pip install onnx ({error})") from error
