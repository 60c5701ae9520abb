"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..autograd.tape import Array
from ..kernels import backend
from ..kernels.plain.optimizers import directed
from ..tensors.tensor import Tensor
from .optimizer import Group
from .stepwise import Stepwise, both_betas, check_betas, check_not_negative, check_one_number, check_unsupported, number


class Adam(Stepwise):
    """Steps of lr m / (sqrt(v) + eps), with running means m of g and v of g^2, corrected for their start at 0.

    `betas`: how much of m and of v a step keeps.  `amsgrad` takes the largest v so far.  `weight_decay` w adds w p
    to g, or with `decoupled_weight_decay` multiplies p by 1 - lr w; `maximize` turns the sign of g.
    `foreach` and `fused` are accepted and ignored.  Raises ValueError for options out of range.

    Source: Kingma and Ba (2015), "Adam: a method for stochastic optimization"; amsgrad: Reddi et al. (2018).

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.tensor([1.0, 2.0]))
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.9000, 1.9000])
    """

    _required = ("step", "exp_avg", "exp_avg_sq")
    _like_parameter = frozenset({"exp_avg", "exp_avg_sq", "max_exp_avg_sq"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_one_number("lr", lr, foreach)
        check_not_negative(lr=lr, eps=eps)
        check_betas(betas, foreach)
        check_not_negative(weight_decay=weight_decay)
        check_unsupported(foreach, fused, capturable=capturable, differentiable=differentiable)
        betas = tuple(beta.reshape(()) if isinstance(beta, Tensor) else beta for beta in betas)  # type: ignore[assignment]
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def _options(self, group: Group) -> tuple[float, ...]:
        return number(group, "lr"), *both_betas(group), number(group, "eps"), number(group, "weight_decay")

    def _update(self, parameter: Tensor, gradient: Array, group: Group, options: tuple[float, ...]) -> None:
        values, state = parameter._array, self.state[parameter]
        count = state["step"]._array
        step = count.item() + 1
        lr, beta1, beta2, eps, decay = options
        mean, mean_square = state["exp_avg"]._array, state["exp_avg_sq"]._array
        largest = state["max_exp_avg_sq"]._array if group["amsgrad"] else None
        numbers = beta1, beta2, eps, lr / (1 - beta1**step), (1 - beta2**step) ** 0.5
        count.fill(step)
        maximize = group["maximize"]
        if decay and group["decoupled_weight_decay"]:
            values *= 1 - lr * decay
            decay = 0
        if decay or maximize:
            gradient = directed(gradient, values, decay, maximize)
        backend.of(values).adam_step(values, gradient, mean, mean_square, largest, numbers)


class AdamW(Adam):
    """`Adam` with decoupled weight decay: each step first multiplies p by 1 - lr weight_decay.

    Source: Loshchilov and Hutter (2019), "Decoupled weight decay regularization".

    >>> import numbarnn, numbarnn.nn as nn
    >>> w = nn.Parameter(numbarnn.tensor([1.0, 2.0]))
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.detach()
    tensor([0.8500, 1.8000])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True  # whatever was saved, by an Adam or before there was this option
