"""Checks of the options that optimizers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensors.tensor import Tensor

_WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def number(group: dict[str, Any], option: str) -> float:
    """An option of a group as a float, also where it was set to a tensor; TypeError if it is no number."""
    value = group[option]
    return value if type(value) is float else _plain(option, value)


def both_betas(group: dict[str, Any]) -> tuple[float, float]:
    """Adam's betas as floats; TypeError for what is no number, ValueError for a mean whose weights would all be 0."""
    betas = [beta if type(beta) is float else _plain("betas", beta) for beta in group["betas"]]
    if len(betas) != 2:
        raise ValueError(f"betas: expected two numbers, got {len(betas)}")
    if max(betas) >= 1:  # a division by zero after some parameters have moved
        check_betas(betas)
    return betas[0], betas[1]


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
