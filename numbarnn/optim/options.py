"""Checks of the options that optimizers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensors.tensor import Tensor

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


#: options of the optimizers that are numbers
_NUMBERS = frozenset({"lr", "eps", "weight_decay", "momentum", "dampening", "alpha"})
_PLAIN = frozenset({float, int, bool})


def in_numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The group, or where options were set to tensors or to numbers of NumPy a copy with plain numbers.

    Raises TypeError for an option that is no number, ValueError for betas with which a mean has no weights.
    """
    changed: dict[str, Any] = {}
    for option, value in group.items():
        if option in _NUMBERS:
            if type(value) not in _PLAIN:
                changed[option] = _plain(option, value)
        elif option == "betas":
            if not _PLAIN.issuperset(map(type, value)):
                value = changed[option] = tuple(_plain(option, beta) for beta in value)
            if len(value) != 2:
                raise ValueError(f"betas: expected two numbers, got {len(value)}")
            if max(value) >= 1:  # a division by zero after some parameters have moved
                check_betas(value)
    return {**group, **changed} if changed else group


def _plain(option: str, value: Any) -> float:
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value.item() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        kind = f"the shape {list(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{option}: expected a number or a tensor of one element, got {kind}") from None


def check_one_number(name: str, value: float | Tensor, foreach: bool | None = None) -> None:
    """ValueError for a tensor of more than one element, or beside `foreach`, which torch has no tensors for."""
    if isinstance(value, Tensor):
        if foreach:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


def check_not_negative(nan: bool = False, **options: float | Tensor) -> None:
    """ValueError for the first option that is below zero or, unless `nan`, that is NaN."""
    for option, value in options.items():
        if value < 0.0 or not (nan or value >= 0.0):
            raise ValueError(f"Invalid {_WORDS.get(option, f'{option} value')}: {value}")


def check_betas(betas: Sequence[float | Tensor], foreach: bool | None = None) -> None:
    """ValueError unless both are in [0, 1), and both floats or both tensors of one element."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
    kinds = {Tensor if isinstance(beta, Tensor) else type(beta) for beta in betas[:2]}
    if kinds not in ({float}, {Tensor}):
        raise ValueError("betas must be either both floats or both Tensors")
    for index in range(2):
        check_one_number(f"betas[{index}]", betas[index], foreach)


def check_unsupported(foreach: Any = None, fused: Any = None, **flags: bool) -> None:
    """Refuse what would change a result; `foreach` and `fused` only choose how torch computes it."""
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for flag, value in flags.items():
        if value:
            raise ValueError(f"{flag}: expected False, got {value}: not supported here")
