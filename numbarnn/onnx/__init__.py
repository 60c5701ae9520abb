"""Models to ONNX files, and RNN nodes of such files back; needs the package onnx, which is imported when called."""

from .errors import OnnxExporterError
from .export import export
from .load import load_rnn
from .reverse import ReverseRNN

__all__ = ["OnnxExporterError", "ReverseRNN", "export", "load_rnn"]
