"""Checks of the options that optimizers share."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


#: options of the optimizers that are numbers
_NUMBERS = frozenset({"lr", "eps", "weight_decay", "momentum", "dampening", "alpha"})
_PLAIN = frozenset({float, int, bool})


def number(value: float | Tensor) -> float:
    """A learning rate as a number: a tensor stands for its one element."""
    return value.item() if isinstance(value, Tensor) else value


def in_numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The group, or where options were set to tensors or to numbers of NumPy a copy with plain numbers.

    Raises TypeError for an option that is no number.
    """
    changed: dict[str, Any] = {}
    for option, value in group.items():
        if option in _NUMBERS:
            if type(value) not in _PLAIN:
                changed[option] = _plain(option, value)
        elif option == "betas" and not _PLAIN.issuperset(map(type, value)):
            changed[option] = tuple(_plain(option, beta) for beta in value)
    return {**group, **changed} if changed else group


def _plain(option: str, value: Any) -> float:
    try:
        if isinstance(value, str):
            raise TypeError
        return float(number(value))
    except (TypeError, ValueError, RuntimeError):
        kind = f"the shape {list(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{option}: expected a number or a tensor of one element, got {kind}") from None


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
