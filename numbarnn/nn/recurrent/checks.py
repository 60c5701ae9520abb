"""Checks of the arguments that nn.RNN is made with: errors and a warning as in torch."""

from __future__ import annotations

import numbers
import warnings
from typing import Any


def check_dropout(dropout: Any, num_layers: Any) -> None:
    """Raise unless dropout is a number from 0 to 1; warn if there is no layer that it applies to."""
    known = isinstance(dropout, numbers.Real) and not isinstance(dropout, bool)
    if not known or not 0 <= dropout <= 1:
        # torch calls float() first: what that cannot take is a TypeError
        error = ValueError if known or hasattr(dropout, "__float__") or isinstance(dropout, str) else TypeError
        raise error(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
            f"got {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            UserWarning,
            stacklevel=3,
        )


def check_sizes(input_size: Any, hidden_size: Any, num_layers: Any, bias: Any, batch_first: Any) -> None:
    """Raise unless sizes are positive integers, bias and batch_first booleans."""
    for name, value in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if not hasattr(num_layers, "__index__"):  # as in torch, a NumPy integer will do, and so will True
        raise TypeError(f"num_layers should be of type int, got: {type(num_layers).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, got {value}")
