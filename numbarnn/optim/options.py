"""Checks of the options that optimizers share."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def number(value: float | Tensor) -> float:
    """A learning rate as a number: a tensor stands for its one element."""
    return value.item() if isinstance(value, Tensor) else value


def check_not_negative(**options: float) -> None:
    """ValueError for the first option that is below zero or NaN."""
    for option, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {_WORDS.get(option, f'{option} value')}: {value}")


def check_betas(betas: tuple[float, float]) -> None:
    """ValueError unless both are in [0, 1)."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def check_unsupported(foreach: Any = None, fused: Any = None, **flags: bool) -> None:
    """Refuse what would change a result; `foreach` and `fused` only choose how torch computes it."""
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for flag, value in flags.items():
        if value:
            raise ValueError(f"{flag}: expected False, got {value}: not supported here")
