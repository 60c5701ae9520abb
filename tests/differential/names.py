"""Which public names numbarnn shares with torch, and by which names torch takes their arguments."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

import numbarnn

#: namespaces whose public names are gone through, and classes whose members are
SPACES = ("", "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "optim", "optim.lr_scheduler")
CLASSES = (
    "Tensor", "Size", "Generator", "nn.Module", "nn.utils.rnn.PackedSequence", "optim.Optimizer",
         "optim.lr_scheduler.LRScheduler",
)  # fmt: skip

#: operators and conversions are rows by the name of their method; these methods are not called by users, or not torch's
NOT_CALLED = {
    "__annotations__", "__array_function__", "__array_ufunc__", "__cuda_array_interface__", "__dict__",
         "__dlpack_device__",
    "__module__", "__slots__", "__weakref__", "__dlpack__",
}  # fmt: skip


def found(root: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        root = getattr(root, name)
    return root


def shared_names() -> Iterator[str]:
    """All public names of numbarnn that torch has at the same place, but for modules."""
    import torch

    for space in SPACES:
        ours, theirs = found(numbarnn, space), found(torch, space)
        listed = getattr(ours, "__all__", None) or [n for n in dir(ours) if _own(ours, n)]
        for name in listed:
            if name[:1] != "_" and hasattr(theirs, name) and not isinstance(getattr(ours, name), types.ModuleType):
                yield f"{space}.{name}".lstrip(".")
    for path in CLASSES:
        ours, theirs = found(numbarnn, path), found(torch, path)
        for name in dir(ours):
            special = name.startswith("__") and name not in dir(object) and name not in NOT_CALLED
            if (name[:1] != "_" or (special and path == "Tensor")) and hasattr(theirs, name):
                yield f"{path}.{name}"


def _own(space: Any, name: str) -> bool:
    value = getattr(space, name)
    return name[:1] != "_" and getattr(value, "__module__", "").startswith(space.__name__)


def torch_parameters(path: str) -> set[str]:
    """The names by which torch takes arguments, of all overloads, without the tensor of a method itself."""
    import torch

    if path == "Tensor.copy_":
        return {"other", "non_blocking"}  # its schema says src, which the call refuses
    owner, _, name = path.rpartition(".")
    try:
        signature = inspect.signature(found(torch, path))
    except (TypeError, ValueError):
        return {n for n in _schema_names(name) if owner != "Tensor" or n != "self"}
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {n for n, p in signature.parameters.items() if p.kind in kinds and n != "self"}


def _schema_names(name: str) -> Iterator[str]:
    """Of the overloads on tensors and sizes: the others are those of TorchScript's own lists and numbers."""
    import torch

    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        arguments = schema.arguments
        if arguments and (arguments[0].name in ("a", "l", "t") or str(arguments[0].type) in ("int", "float", "bool")):
            continue
        if arguments and arguments[0].name == "self" and str(arguments[0].type) != "Tensor":
            continue
        written = any(a.is_out for a in arguments)
        yield from ("out" if a.is_out else a.name for a in arguments if a.is_out or not written)
