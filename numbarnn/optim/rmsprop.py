"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd.tape import Array
from ..kernels import backend
from ..kernels.plain.optimizers import RMSpropOptions
from ..tensors.tensor import Tensor
from .optimizer import Group
from .stepwise import Stepwise, check_not_negative, check_one_number, check_unsupported, number


class RMSprop(Stepwise):
    """Steps of lr g / (sqrt(v) + eps), with the running mean v = alpha v + (1 - alpha) g^2.

    `centered`: v less the square of the running mean of g.  `momentum`: steps of lr b, with
    b = momentum b + g / (sqrt(v) + eps).  `weight_decay` w adds w p to g; `maximize` turns the sign of g.
    `foreach` is accepted and ignored.  Raises ValueError for negative options.

    Source: Tieleman and Hinton (2012), lecture 6.5; centered: Graves (2013), "Generating sequences with RNNs".

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.tensor([1.0, 2.0]))
    >>> optimizer = RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000, 1.9000])
    """

    _required = ("step", "square_avg")
    _like_parameter = frozenset({"square_avg", "momentum_buffer", "grad_avg"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_one_number("lr", lr)
        check_not_negative(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        check_unsupported(capturable=capturable, differentiable=differentiable)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        names: tuple[str, ...] = ("square_avg", "momentum_buffer") if group["momentum"] > 0 else ("square_avg",)
        return (*names, "grad_avg") if group["centered"] else names

    def _options(self, group: Group) -> RMSpropOptions:
        return (
            number(group, "lr"), number(group, "alpha"), number(group, "eps"), number(group, "momentum"),
            number(group, "weight_decay"), bool(group["maximize"]),
        )  # fmt: skip

    def _update(self, parameter: Tensor, gradient: Array, group: Group, options: RMSpropOptions) -> None:
        values, state = parameter._array, self.state[parameter]
        state["step"]._array += 1
        mean = state["grad_avg"]._array if group["centered"] else None
        buffer = state["momentum_buffer"]._array if options[3] > 0 else None
        backend.of(values).rmsprop_step(values, gradient, state["square_avg"]._array, mean, buffer, options)
