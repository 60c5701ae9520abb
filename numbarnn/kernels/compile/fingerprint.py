"""What tells one version of a kernel's code from another: the code itself, whatever time stamps and comments say.

A kernel's key covers its own package and those below it, for Numba copies into a kernel what it calls.  So an edit of
`recurrence` leaves the tiles of `product` on disk as good as they were, and one of a docstring leaves everything so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from importlib.abc import InspectLoader
from pathlib import Path
from types import CodeType
from typing import Any, cast

#: the packages of kernels, from the lowest to the highest, and which of them each may import: what its kernels may call
BELOW = {
    "simd": "",
    "compile": "simd",
    "threads": "simd compile",
    "product": "simd compile threads",
    "cells": "simd compile",
    "recurrence": "simd compile threads product cells",
    "plain": "simd compile cells",
    "optimizers": "simd compile cells plain",
    "embed": "simd compile threads product cells recurrence optimizers plain",
    "cuda": "simd compile cells plain",
}
_ROOT = __package__.rpartition(".")[0]
#: CO_HAS_DOCSTRING, which functions have since Python 3.13
_HAS_DOCSTRING = 0x4000000


def description(value: Any) -> Any:
    """What tells apart pieces of code, and functions made by one piece of source: the same in every process."""
    function = getattr(value, "py_func", getattr(value, "_defn", value))  # of a dispatcher, of an intrinsic
    if hasattr(function, "__code__"):
        cells = [description(cell.cell_contents) for cell in function.__closure__ or ()]
        return function.__module__, function.__qualname__, description(function.__code__), cells
    if isinstance(value, CodeType):
        constants = [None if i == _docstring(value) else description(c) for i, c in enumerate(value.co_consts)]
        return value.co_code, value.co_names, value.co_varnames, value.co_flags & ~_HAS_DOCSTRING, constants
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _docstring(code: CodeType) -> int | None:
    """Which constant of a module, class or function is its docstring."""
    if code.co_flags & inspect.CO_NEWLOCALS and code.co_flags & inspect.CO_OPTIMIZED:
        if sys.version_info >= (3, 13):
            has_one = bool(code.co_flags & _HAS_DOCSTRING)
        else:  # the first constant is None where a function has none; comprehensions have no such constant
            has_one = not code.co_name.startswith("<") and isinstance(code.co_consts[0], str)
        return 0 if has_one else None
    if "__doc__" not in code.co_names:
        return None
    place = 0 if code.co_name == "<module>" else 1  # before it comes the class's own name
    return place if isinstance(code.co_consts[place], str) else None


def short(value: Any) -> str:
    """A few digits of the hash of its description."""
    return _hash(description(value))[:16]


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def modules(package: str) -> Iterator[str]:
    """All modules of a package of kernels, however deep, by their whole names."""
    folder = Path(__file__).parent.parent.joinpath(*package.split("."))
    yield f"{_ROOT}.{package}"
    for module in pkgutil.iter_modules([str(folder)]):
        if module.ispkg:
            yield from modules(f"{package}.{module.name}")
        else:
            yield f"{_ROOT}.{package}.{module.name}"


def _code(name: str) -> Any:
    spec = importlib.util.find_spec(name)
    assert spec is not None  # it was found a moment ago
    return description(cast(InspectLoader, spec.loader).get_code(name))


def _keys() -> dict[str, str]:
    own = {package: _hash([(name, _code(name)) for name in modules(package)]) for package in BELOW}
    return {package: _hash([own[package], *(own[name] for name in below.split())]) for package, below in BELOW.items()}


#: of each package: its code and that of the packages below it, as it was when this process imported them
KEYS = _keys()


def package_of(function: Any) -> str:
    """The package whose key a kernel has; the highest for functions from elsewhere."""
    root, _, rest = str(getattr(function, "__module__", "")).partition(f"{_ROOT}.")
    package = rest.partition(".")[0]
    return package if not root and package in BELOW else "embed"
