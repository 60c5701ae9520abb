"""What is raised, and how the optional package is had."""

from __future__ import annotations

import importlib
from typing import Any


class OnnxExporterError(RuntimeError):
    """A model, or a part of one, that cannot be written as ONNX: the message says which; no file is written."""


def require_onnx() -> Any:
    """The package `onnx`; ImportError that says how to get it."""
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError(f"numbarnn.onnx needs the package onnx: pip install onnx ({error})") from error
