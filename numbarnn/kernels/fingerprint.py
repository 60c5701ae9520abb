"""What tells one version of a kernel's code from another, whatever a time stamp says."""

from __future__ import annotations

import hashlib
import importlib.util
import pkgutil
from importlib.abc import InspectLoader
from pathlib import Path
from types import CodeType
from typing import Any, cast


def description(value: Any) -> Any:
    """What tells apart pieces of code, and functions made by one piece of source: the same in every process."""
    function = getattr(value, "py_func", value)
    if hasattr(function, "__code__"):
        cells = [description(cell.cell_contents) for cell in function.__closure__ or ()]
        return function.__module__, function.__qualname__, description(function.__code__), cells
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, [description(constant) for constant in value.co_consts]
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def short(value: Any) -> str:
    """A few digits of the hash of its description."""
    return hashlib.sha256(repr(description(value)).encode()).hexdigest()[:16]


def _sources_hash() -> str:
    """Of the source of all kernels and of the code that was made of it: where time stamps lie, that may be older."""
    package = str(__package__)
    digest = hashlib.sha256()
    for name in [package, *(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)], f"{package}."))]:
        spec = importlib.util.find_spec(name)
        assert spec is not None  # it was found a moment ago
        loader = cast(InspectLoader, spec.loader)
        source = (loader.get_source(name) or "").encode()
        code = repr(description(loader.get_code(name))).encode()
        digest.update(f"{name} {len(source)} {len(code)} ".encode())
        digest.update(source)
        digest.update(code)
    return digest.hexdigest()


#: as they were when this process imported them
SOURCES_HASH = _sources_hash()
