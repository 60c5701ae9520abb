"""Layers inside functions that Numba compiles: `step`, `sequence` and `linear` in simulations, backtests, control.

`pack` takes a copy of a layer's parameters as one value that compiled code takes as an argument or as a global;
it is frozen: the layer may be trained on, and what was packed stays.

    >>> import numba, numbarnn, numpy as np
    >>> @numba.njit
    ... def run(params, x, h):
    ...     for x_t in x:
    ...         numbarnn.jit.step(params, x_t, h)
    >>> rnn, x, h = numbarnn.nn.RNN(3, 8), np.ones((5, 3), np.float32), np.zeros((1, 8), np.float32)
    >>> run(numbarnn.jit.pack(rnn), x, h)
    >>> np.array_equal(h, rnn(x)[1].detach())
    True

It works under `parallel=True`, `nogil=True` and `cache=True`, and as plain Python, also under NUMBA_DISABLE_JIT=1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays.devices import check_on_cpu
from .arrays.dtypes import FLOATS
from .kernels.embed.calls import linear, sequence, step
from .kernels.embed.parameters import BidirectionalParameters, LinearParameters, Parameters, of_panels, pack_linear
from .nn.linear import Linear
from .nn.recurrent.layout import dense
from .nn.recurrent.parameters import frozen
from .nn.recurrent.rnn import RNN, RNNCell
from .nn.recurrent.weights import array_of

__all__ = ["BidirectionalParameters", "LinearParameters", "Parameters", "linear", "pack", "sequence", "step"]


def pack(module: RNN | RNNCell | Linear) -> Any:
    """The parameters of a layer as a named tuple for `step`, `sequence` or `linear`.

    module: an nn.RNN, of which one of two directions is for `sequence` alone, an nn.RNNCell, or an nn.Linear; float32
        or float64.  Dropout is left out, as in evaluation.

    Returns `Parameters`, `BidirectionalParameters` or `LinearParameters`: a read-only array and the sizes, for instance
    `params.hidden_size`.  It can be pickled, and is then right on another CPU too.

    Raises TypeError for another module and for one with a forward of its own, RuntimeError for parameters that do not
    fit together.

    >>> import numbarnn, numbarnn.nn as nn
    >>> params = numbarnn.jit.pack(nn.RNN(3, 8, num_layers=2))
    >>> params.input_size, params.hidden_size, params.num_layers
    (3, 8, 2)
    """
    kind = next((kind for kind in (RNN, RNNCell, Linear) if isinstance(module, kind)), None)
    if kind is None:
        raise TypeError(f"pack: expected an nn.RNN, nn.RNNCell or nn.Linear, got {type(module).__name__}")
    if type(module).forward is not kind.forward:
        raise TypeError(f"pack: expected the forward of nn.{kind.__name__}, got a {type(module).__name__} with its own")
    if isinstance(module, Linear):
        return pack_linear(*_linear_arrays(module))
    stack, panels = frozen(module)
    return of_panels(panels, stack.I, stack.H, stack.layers, stack.D, stack.cell)


def _linear_arrays(module: Linear) -> tuple[Any, Any]:
    check_on_cpu(module.weight)
    weight = dense(array_of(module.weight, "weight"))
    if weight.dtype not in FLOATS or weight.ndim != 2:
        raise RuntimeError(
            f"weight: expected float32 or float64 and 2 dimensions, got {weight.dtype} and {weight.ndim}"
        )
    O = len(weight)
    bias = np.zeros(O, weight.dtype) if module.bias is None else dense(array_of(module.bias, "bias"))
    if bias.shape != (O,) or bias.dtype != weight.dtype:
        raise RuntimeError(f"bias: expected {weight.dtype} of shape ({O},), got {bias.dtype} of shape {bias.shape}")
    return weight, bias
