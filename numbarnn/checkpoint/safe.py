"""`.safetensors`, by the package of that name: tensors by name and nothing else.

The format has no checksum: a file whose numbers were altered reads as those numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .atomic import Writer
from .contents import array_of, tensors
from .elements import BY_SAFETENSORS
from .errors import CheckpointError


def recognised(start: bytes) -> bool:
    """Whether a file starts like one: the length of a header, and JSON."""
    return len(start) > 8 and start[8:9] == b"{"


def read(data: bytes) -> dict[str, Tensor]:
    """The tensors in `data`, a whole file."""
    _package("load")
    from safetensors import deserialize

    views = deserialize(data)  # type: ignore[no-untyped-call,unused-ignore]  # its stub has no types
    return {name: _tensor(name, view) for name, view in sorted(views)}


def _tensor(name: str, view: Any) -> Tensor:
    element = BY_SAFETENSORS.get(view["dtype"])
    if element is None:
        raise CheckpointError(f"{name!r}: expected floats, integers or bools, got {view['dtype']}")
    values = element.array(np.array(np.frombuffer(view["data"], np.uint8)), "little")
    return Tensor._wrap(values.reshape(view["shape"]))


def prepare(obj: Any) -> Writer:
    """What writes `obj`, once all of it is known to fit into the format."""
    _package("save")
    from safetensors.numpy import save

    if not isinstance(obj, dict) or not all(isinstance(name, str) for name in obj):
        raise TypeError(f"save: .safetensors: expected a dict of tensors by name, got {type(obj).__name__}")
    found = {path: value for path, value in tensors(obj) if len(path) == 1}
    if len(found) != len(obj):
        others = [name for name in obj if (name,) not in found]
        raise TypeError(
            f"save: .safetensors: expected nothing but tensors, got {type(obj[others[0]]).__name__} at {others[0]!r}"
        )
    data = save({name: np.array(array_of(obj[name]), order="C") for name in obj}, metadata={"format": "pt"})
    return lambda file: file.write(data)


def _package(what: str) -> None:
    try:
        import safetensors  # noqa: F401  # only to see whether it is there
    except ImportError:
        raise ImportError(f"{what}: .safetensors files need the package safetensors: pip install safetensors") from None
