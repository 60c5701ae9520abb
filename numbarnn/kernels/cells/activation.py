"""The numbers of the shipped cells."""

from .elman import RELU as _RELU
from .elman import TANH as _TANH

TANH, RELU = _TANH.number, _RELU.number
