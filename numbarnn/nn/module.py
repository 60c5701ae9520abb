"""`Module`: what every layer and model is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ..dtypes import as_dtype, float32, float64
from ..dtypes import device as device_type
from ..handle import RemovableHandle
from ..tensor import Parameter, Tensor
from . import state
from .hooks import call_with_hooks
from .registry import Registry

Self = TypeVar("Self", bound="Module")


class Module(Registry):
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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_hooks or self._forward_pre_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns, if anything, replaces the arguments."""
        return RemovableHandle(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns, if anything, is the output."""
        return RemovableHandle(self._forward_hooks, (hook, with_kwargs), prepend)

    # -----------------------------------------------------------------------------------------------------------------
    # what is inside

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module (named `prefix`) and all below it; a shared one once, unless not `remove_duplicate`."""
        seen = set() if memo is None else memo
        if self in seen:
            return
        if remove_duplicate:
            seen.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(seen, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right below this one, each once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules right below this one, each once."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) of all below, in the order of registration; a tied one only under its first name."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(name, buffer) of all below, persistent or not."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, slot: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        modules: Iterable[tuple[str, Module]] = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen = set()
        for path, module in modules:
            for name, value in getattr(module, slot).items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; `""` is this one."""
        module = self
        for name in target.split(".") if target else ():
            found = getattr(module, name, None)
            if not isinstance(found, Module):
                problem = "has no attribute" if found is None else "has no module at"
                raise AttributeError(f"{type(module).__name__} {problem} `{name}`")
            module = found
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = module._parameters.get(name)
        if found is None:
            raise AttributeError(f"{type(module).__name__} has no parameter `{name}`")
        return found

    # -----------------------------------------------------------------------------------------------------------------
    # mode, gradients, number type

    def train(self: Self, mode: bool = True) -> Self:
        """Training mode (dropout at work) for this and all below, or evaluation mode if not `mode`."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        for module in self.modules():
            module.training = mode
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
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is None:
                    continue
                if set_to_none:
                    parameter._grad = None
                elif parameter.grad is not None:
                    parameter.grad = parameter.grad.detach().zero_()

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` with every module below, then with this one: for initialising weights."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self: Self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> Self:
        """`to(dtype)`, `to(device)`, `to(device, dtype)` or `to(tensor)`: floating parameters and buffers change type.

        The parameters stay the same objects, so an optimizer made before goes on working.  `non_blocking` is ignored.
        Raises TypeError for a type that is not floating point, RuntimeError for another device than the CPU.
        """
        for wanted in args:
            if isinstance(wanted, Tensor):
                dtype = wanted.dtype
            elif isinstance(wanted, (str, device_type)):
                device = wanted
            elif wanted is not None:
                dtype = wanted
        if device is not None:
            device_type(device)
        if dtype is None:
            return self
        number_type = as_dtype(dtype)
        if number_type.kind != "f":
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={number_type}")
        for module in self.modules():
            for tensor in (*module._parameters.values(), *module._buffers.values()):
                if tensor is not None and tensor._array.dtype.kind == "f":
                    _convert(tensor, number_type)
        return self

    def float(self: Self) -> Self:
        """Parameters and buffers to float32."""
        return self.to(float32)

    def double(self: Self) -> Self:
        """Parameters and buffers to float64."""
        return self.to(float64)

    def cpu(self: Self) -> Self:
        """Nothing to do: everything is on the CPU."""
        return self

    # -----------------------------------------------------------------------------------------------------------------
    # state and representation

    def state_dict(
        self, *, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by name.  The tensors share memory with the module's."""
        found: dict[str, Tensor] = OrderedDict() if destination is None else destination
        for entry in state.entries(self, prefix):
            found[entry.key] = entry.tensor if keep_vars else entry.tensor.detach()
        return found

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> state.IncompatibleKeys:
        """Copy values, tensors or NumPy arrays, into the parameters and buffers of the same names.

        Raises RuntimeError, with everything that does not fit, for wrong shapes and, if `strict`, for missing and
        unexpected names; the module is then as it was.  `assign` puts the given tensors themselves in place.
        """
        return state.load(self, state_dict, strict, assign)

    def extra_repr(self) -> str:
        """What a subclass wants to have shown between the parentheses of its representation."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return layout(self, [f"({name}): {child!r}" for name, child in self._modules.items()])


def layout(module: Module, children: list[str]) -> str:
    """The representation of `module` around those of its children."""
    name, extra = module._get_name(), module.extra_repr()
    lines = extra.split("\n") if extra else []
    if not children and len(lines) <= 1:
        return f"{name}({extra})"
    lines += [child.replace("\n", "\n  ") for child in children]
    return f"{name}(\n  " + "\n  ".join(lines) + "\n)"


def _convert(tensor: Tensor, dtype: Any) -> None:
    """Give `tensor`, and its gradient, another number type, in place."""
    tensor.data = tensor.detach().to(dtype)
    if tensor.grad is not None:
        tensor.grad = tensor.grad.detach().to(dtype)
