"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..autograd.tape import Array
from ..kernels import backend
from ..kernels.plain.optimizers import SGDOptions
from ..tensors.tensor import Tensor
from .optimizer import Group
from .stepwise import Stepwise, check_not_negative, check_one_number, check_unsupported, number


class SGD(Stepwise):
    """Stochastic gradient descent: p -= lr b, with b = momentum b + (1 - dampening) g, from b = g.

    `nesterov`: p -= lr (g + momentum b).  `weight_decay` w adds w p to g; `maximize` turns the sign of g.
    `foreach` and `fused` are accepted and ignored.  Raises ValueError for negative options, and for `nesterov`
    without momentum or with dampening.

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.tensor([1.0, 2.0]))
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8000, 1.6000])
    """

    _like_parameter = frozenset({"momentum_buffer"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_one_number("lr", lr)
        check_not_negative(True, lr=lr, momentum=momentum, weight_decay=weight_decay)
        check_unsupported(foreach, fused, differentiable=differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable,
            "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _options(self, group: Group) -> SGDOptions:
        return (
            number(group, "lr"), number(group, "momentum"), number(group, "dampening"), bool(group["nesterov"]),
            number(group, "weight_decay"), bool(group["maximize"]),
        )  # fmt: skip

    def _update(self, parameter: Tensor, gradient: Array, group: Group, options: SGDOptions) -> None:
        values, momentum = parameter._array, options[1]
        held = self.state[parameter].get("momentum_buffer") if momentum else None
        first = bool(momentum) and held is None
        if first:
            held = Tensor._wrap(np.empty_like(values))
        backend.of(values).sgd_step(values, gradient, None if held is None else held._array, first, options)
        if first:
            self.state[parameter]["momentum_buffer"] = held  # not before it is filled
