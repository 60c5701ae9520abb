"""How many layers a recurrent call returns the outputs of, and how its results are arranged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def layers_shown(num_layers: int, output_hidden_states: bool, return_output: bool) -> int:
    """How many layers, counted from the last, to return the outputs of: one, all or none.

    TypeError for what is no bool, ValueError if both all and none are asked for.
    """
    for name, value in (("output_hidden_states", output_hidden_states), ("return_output", return_output)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    if output_hidden_states and not return_output:
        raise ValueError("output_hidden_states=True: expected return_output=True, for the last of them is output")
    return num_layers if output_hidden_states else int(return_output)


def arranged(layers: Sequence[Any], states: Sequence[Any], output_hidden_states: bool) -> tuple[Any, ...]:
    """(output, h_n), (None, h_n) or (output, h_n, hidden_states), from the outputs of layers and the last states.

    If a cell has two states, (h_n, c_n) takes the place of h_n.
    """
    output, last = layers[-1] if layers else None, states[0] if len(states) == 1 else tuple(states)
    return (output, last, tuple(layers)) if output_hidden_states else (output, last)
