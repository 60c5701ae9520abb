"""The parameters of a recurrent layer as the kernels read them, and what takes steps with them."""

from __future__ import annotations

from typing import Any

from ...arrays.devices import check_on_cpu
from ...kernels.backend import packed_layers
from ...kernels.embed.parameters import unpacked_layers
from ...kernels.embed.stream import stepper
from .weights import Array, StackWeights

__all__ = ["packed_layers", "packed_module", "stepper", "unpacked_layers"]


def packed_module(module: Any) -> tuple[StackWeights, Array, int]:
    """Of an nn.RNN or nn.RNNCell: what is known of the parameters, their panels, and the number of f.

    The errors of a call of the module, and RuntimeError for one on a GPU.  The panels are a copy: in those that calls
    of the module share, later parameters are written over these.
    """
    activation, ready = module._activation(), module._prepared()
    check_on_cpu(ready.params[0])
    weights = StackWeights(ready.params, ready.each, ready.D)
    return weights, weights.packed(None), activation
