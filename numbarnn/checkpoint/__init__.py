"""Checkpoints: `numbarnn.save` and `numbarnn.load`, for torch's files, `.npz` and `.safetensors`."""

from .errors import CheckpointError
from .save_load import load, save

__all__ = ["CheckpointError", "load", "save"]
