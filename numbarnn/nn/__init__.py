"""Layers, losses and what they are built of, with torch's names and arguments."""

from typing import TYPE_CHECKING

from ..tensors.tensor import Parameter
from . import functional, init, utils
from .activation import Identity, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .container import ModuleList, Sequential
from .dropout import Dropout
from .embedding import Embedding
from .linear import Linear
from .loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .recurrent.rnn import RNN, RNNCell

if TYPE_CHECKING:
    from .recurrent.stream import Stream

__all__ = [
    "RNN", "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "Dropout", "Embedding", "Identity", "L1Loss",
    "Linear", "LogSoftmax", "MSELoss", "Module", "ModuleList", "NLLLoss", "Parameter", "RNNCell", "ReLU",
    "Sequential", "Sigmoid", "Softmax", "Stream", "Tanh", "functional", "init", "utils",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "Stream":  # imported when it is asked for, as by `rnn.stream`
        from .recurrent.stream import Stream

        return Stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
