"""The parameters of a recurrent layer as the kernels read them, and what takes steps with them."""

from __future__ import annotations

from typing import Any

from ...devices import check_on_cpu
from ...kernels.backend import packed_layers
from ...kernels.parameters import unpacked_layers
from ...kernels.stream import stepper
from .rnn import ACTIVATIONS, counts
from .weights import Array, StackWeights

__all__ = ["packed_layers", "packed_module", "stepper", "unpacked_layers"]


def packed_module(module: Any) -> tuple[StackWeights, Array, int]:
    """Of an nn.RNN or nn.RNNCell: what is known of the parameters, their panels, and the number of f.

    RuntimeError for a module on a GPU.  The panels are a copy: in those that calls of the module share, later
    parameters are written over these.
    """
    if hasattr(module, "num_layers"):
        L, bidirectional, groups = module.num_layers, module.bidirectional, module.all_weights
    else:
        L, bidirectional, groups = 1, False, [[module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh]]
    if module.nonlinearity not in ACTIVATIONS:
        raise RuntimeError(f"Unknown nonlinearity: {module.nonlinearity}")
    params = [p for group in groups for p in group if p is not None]
    check_on_cpu(params[0])
    weights = StackWeights(params, *counts(params, module.bias, L, bidirectional))
    return weights, weights.packed(None), ACTIVATIONS[module.nonlinearity]
