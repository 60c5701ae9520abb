"""`Module`: what every layer and model is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..arrays.devices import chosen
from ..arrays.dtypes import as_dtype
from ..arrays.dtypes import device as device_type
from ..autograd.grad_mode import no_grad
from ..autograd.writes import take_memory, zero_gradients
from ..tensors.tensor import Tensor
from .hooks import Hooks
from .members import Members
from .registry import unchanged_on_error
from .state_dict import Stateful

Self = TypeVar("Self", bound="Module")


class Module(Hooks, Members, Stateful):
    """Base of all layers and models.

    Parameters, buffers and modules that are assigned as attributes are found again by `parameters()`,
    `state_dict()` and their kin.  A subclass defines `forward`; calling the module calls it.

    >>> import numbarnn, numbarnn.nn as nn
    >>> class Tagger(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.embedding = nn.Embedding(100, 8)
    ...         self.fc = nn.Linear(8, 4)
    ...
    ...     def forward(self, words):
    ...         return self.fc(self.embedding(words))
    >>> model = Tagger()
    >>> tuple(model(numbarnn.tensor([[1, 2, 3]])).shape)
    (1, 3, 4)
    >>> model
    Tagger(
      (embedding): Embedding(100, 8)
      (fc): Linear(in_features=8, out_features=4, bias=True)
    )
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: for subclasses to define."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # -----------------------------------------------------------------------------------------------------------------
    # mode, gradients, number type

    def train(self: Self, mode: bool = True) -> Self:
        """Training mode (dropout at work) for this and all below, or evaluation mode if not `mode`."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Evaluation mode: the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of all parameters: False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros if not `set_to_none`."""
        zero_gradients(self.parameters(), set_to_none)

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` with every module below, then with this one: for initialising weights."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put `fn` of each parameter, gradient and buffer in its place; parameters stay the same objects.

        All conversions go through here, and through that of each module below.
        """
        if recurse:
            for child in self.children():
                child._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    gradient = parameter._grad
                    take_memory(parameter, fn(parameter))
                    if gradient is not None:
                        take_memory(gradient, fn(gradient))
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def _converted(self: Self, fn: Callable[[Tensor], Tensor]) -> Self:
        with unchanged_on_error(self, values=False):
            return self._apply(fn)

    def to(
        self: Self,
        *args: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
        tensor: Tensor | None = None,
        memory_format: Any = None,
    ) -> Self:
        """`to(dtype)`, `to(device)`, `to(device, dtype)` or `to(tensor)`: parameters and buffers go there.

        The type changes of those that are floating point.  The parameters stay the same objects, so an optimizer made
        before goes on working.  `non_blocking` and `memory_format` are ignored.  Raises TypeError for a type that is
        not floating point, RuntimeError, which says what is missing, for a device that is not there.
        """
        for wanted in args if tensor is None else (*args, tensor):
            if isinstance(wanted, Tensor):
                dtype, device = wanted.dtype, wanted.device
            elif isinstance(wanted, (str, device_type)):
                device = wanted
            elif wanted is not None and not (isinstance(wanted, bool) and len(args) > 1):  # else it is non_blocking
                dtype = wanted
        goal = None if device is None else chosen(device)
        number_type = None if dtype is None else as_dtype(dtype)
        if number_type is not None and number_type.kind != "f":
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={number_type}")
        return self._converted(lambda t: t.to(device=goal, dtype=number_type if t.is_floating_point() else None))

    def float(self: Self) -> Self:
        """Parameters and buffers that are floating point to float32."""
        return self._converted(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: Self) -> Self:
        """Parameters and buffers that are floating point to float64."""
        return self._converted(lambda t: t.double() if t.is_floating_point() else t)

    def type(self: Self, dst_type: Any) -> Self:
        """All parameters and buffers to one type."""
        return self._converted(lambda t: t.type(dst_type))

    def cpu(self: Self) -> Self:
        """Parameters and buffers to the CPU."""
        return self._converted(lambda t: t.cpu())

    def cuda(self: Self, device: Any = None) -> Self:
        """Parameters and buffers to the GPU; RuntimeError, which says what is missing, without one."""
        return self._converted(lambda t: t.cuda(device))

    # -----------------------------------------------------------------------------------------------------------------
    # representation

    def extra_repr(self) -> str:
        """What a subclass wants to have shown between the parentheses of its representation."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return self._layout(lambda: [f"({name}): {child!r}" for name, child in self._modules.items()])

    def _layout(self, children: Callable[[], list[str]]) -> str:
        """The representation around those of the children."""
        extra = self.extra_repr()
        lines, below = extra.split("\n") if extra else [], children()
        if not below and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        lines += [child.replace("\n", "\n  ") for child in below]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
