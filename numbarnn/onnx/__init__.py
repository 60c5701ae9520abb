"""Models to ONNX files, for which the package onnx is needed, and RNN nodes of such files back."""

from .errors import OnnxExporterError, OnnxLoadError
from .export import ONNXProgram, export
from .export_options import OperatorExportTypes, TrainingMode
from .load import load_rnn
from .reverse import ReverseRNN

__all__ = [
    "ONNXProgram", "OnnxExporterError", "OnnxLoadError", "OperatorExportTypes", "ReverseRNN", "TrainingMode",
    "export", "load_rnn",
]  # fmt: skip
