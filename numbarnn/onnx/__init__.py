"""Models to ONNX files, and RNN nodes of such files back; needs the package onnx, which is imported when called."""

from .errors import OnnxExporterError
from .export import export
from .load import load_rnn

__all__ = ["OnnxExporterError", "export", "load_rnn"]
