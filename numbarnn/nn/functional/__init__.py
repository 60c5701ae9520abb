"""Layers and losses as functions: validate, compute, and leave one node on the tape."""

from ..recurrent.functional import rnn_cell, rnn_relu, rnn_tanh
from .activation import dropout, log_softmax, relu, sigmoid, softmax, tanh
from .embedding import embedding, one_hot
from .linear import linear
from .loss import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, l1_loss, mse_loss, nll_loss

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "embedding", "l1_loss",
    "linear", "log_softmax", "mse_loss", "nll_loss", "one_hot", "relu", "rnn_cell", "rnn_relu", "rnn_tanh", "sigmoid",
    "softmax", "tanh",
]  # fmt: skip
