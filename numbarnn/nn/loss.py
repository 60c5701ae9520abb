"""Losses as modules: the functions of `numbarnn.nn.functional` with their options fixed."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .functional.loss_checks import legacy_reduction
from .module import Module


class _Loss(Module):
    """A loss with its reduction: 'none', 'mean' or 'sum'."""

    reduction: str

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy_reduction(size_average, reduce, reduction)


class MSELoss(_Loss):
    """(input - target)^2, reduced.  See `numbarnn.nn.functional.mse_loss`.

    >>> import numbarnn
    >>> MSELoss()(numbarnn.tensor([1.0, 2.0]), numbarnn.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|input - target|, reduced.  See `numbarnn.nn.functional.l1_loss`.

    >>> import numbarnn
    >>> L1Loss()(numbarnn.tensor([1.0, 2.0]), numbarnn.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.l1_loss(input, target, reduction=self.reduction)


class BCELoss(_Loss):
    """Binary cross entropy of probabilities, reduced.  See `numbarnn.nn.functional.binary_cross_entropy`.

    >>> import numbarnn
    >>> BCELoss()(numbarnn.tensor([0.5, 0.5]), numbarnn.tensor([1.0, 0.0]))
    tensor(0.6931)
    """

    def __init__(
        self, weight: Any = None, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross entropy of logits, reduced.  See `numbarnn.nn.functional.binary_cross_entropy_with_logits`.

    >>> import numbarnn
    >>> BCEWithLogitsLoss()(numbarnn.tensor([0.0, 0.0]), numbarnn.tensor([1.0, 0.0]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Any = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class NLLLoss(_Loss):
    """-input[target] for log-probabilities, reduced.  See `numbarnn.nn.functional.nll_loss`.

    >>> import numbarnn
    >>> NLLLoss()(numbarnn.tensor([[-0.5, -1.0], [-3.0, -0.1]]), numbarnn.tensor([0, 0]))
    tensor(1.7500)
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """-log softmax(input)[target], reduced.  See `numbarnn.nn.functional.cross_entropy`.

    >>> import numbarnn
    >>> CrossEntropyLoss()(numbarnn.tensor([[2.0, 2.0], [0.0, 100.0]]), numbarnn.tensor([0, 1]))
    tensor(0.3466)
    """

    def __init__(
        self,
        weight: Any = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
