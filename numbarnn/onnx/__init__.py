"""Models to ONNX files, and RNN nodes of such files back; needs the package onnx, which is imported when called."""

from .errors import OnnxExporterError
from .export import ONNXProgram, export
from .load import load_rnn
from .options import OperatorExportTypes, TrainingMode
from .reverse import ReverseRNN

__all__ = [
    "ONNXProgram",
    "OnnxExporterError",
    "OperatorExportTypes",
    "ReverseRNN",
    "TrainingMode",
    "export",
    "load_rnn",
]
