"""What tells one version of a kernel's code from another: bytecode and constants, no time stamps and no docstrings.

Numba copies into a kernel the code that it calls, and takes as constants the globals that it reads.  So the key of a
kernel covers all code of its package and of the packages below: all bytecode, so also default arguments, decorators,
numbers at the level of modules, fields of named tuples, annotations.  An edit of `recurrence` leaves the tiles of
`product` on disk as good as they were, and one of a docstring leaves everything so.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import marshal
import opcode
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib.abc import InspectLoader
from pathlib import Path
from types import CodeType, ModuleType
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
#: the packages whose kernels are kept on disk; Numba keeps no kernels for GPUs of this kind
KEPT = [package for package in BELOW if package != "cuda"]
_ROOT = __package__.rpartition(".")[0]


# ---------------------------------------------------------------------------------------------------------------------
# code


_LOADS = [opcode.opmap[name] for name in ("LOAD_CONST", "RETURN_CONST") if name in opcode.opmap]
_LOAD_SMALL = opcode.opmap.get("LOAD_SMALL_INT")  # since Python 3.14
_STORE = opcode.opmap["STORE_NAME"]
#: CO_HAS_DOCSTRING, which functions have since Python 3.14
_HAS_DOCSTRING = 0x4000000
_FUNCTION = inspect.CO_NEWLOCALS | inspect.CO_OPTIMIZED


def _feed(code: CodeType, update: Callable[[bytes], None]) -> None:
    """Give to `update` all that what the code does depends on."""
    bytecode, constants = code.co_code, list(code.co_consts)
    if code.co_flags & _FUNCTION == _FUNCTION:
        if _has_docstring(code) and not any(bytes((load, 0)) in bytecode for load in _LOADS):
            constants[0] = None
    else:  # a module or a class
        for name in ("__doc__", "__firstlineno__"):
            bytecode = _without(bytecode, constants, code.co_names, name)
    for i, constant in enumerate(constants):
        if type(constant) is CodeType:
            _feed(constant, update)
            constants[i] = ...
        elif type(constant) is frozenset:  # in another order in each process
            constants[i] = sorted(map(repr, constant))
    update(
        _bytes(
            [bytecode, constants, code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
             code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_HAS_DOCSTRING,
             getattr(code, "co_exceptiontable", b"")]
        )
    )  # fmt: skip


def _bytes(value: Any) -> bytes:
    try:
        return marshal.dumps(value, 0)  # version 0: the same whether strings are interned or not
    except ValueError:  # slices, which are constants since Python 3.14
        return repr(value).encode()


def _has_docstring(code: CodeType) -> bool:
    """Whether the first constant of a function is its docstring."""
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & _HAS_DOCSTRING)
    # None where a function has no docstring; comprehensions have no such constant
    return not code.co_name.startswith("<") and bool(code.co_consts) and isinstance(code.co_consts[0], str)


def _without(bytecode: bytes, constants: list[Any], names: tuple[str, ...], name: str) -> bytes:
    """Blank the constant that a module or a class gives to `name`; returns the bytecode without it."""
    if name not in names or names.index(name) > 255:
        return bytecode
    place = bytecode.find(bytes((_STORE, names.index(name))))
    if place < 2 or place % 2:
        return bytecode
    operation, argument = bytecode[place - 2], bytecode[place - 1]
    if operation == _LOAD_SMALL:
        return bytecode[: place - 1] + bytes(1) + bytecode[place:]
    extended = place >= 4 and bytecode[place - 4] == opcode.EXTENDED_ARG
    if operation == _LOADS[0] and not extended and bytecode.count(bytes((operation, argument))) == 1:
        constants[argument] = None
    return bytecode


# ---------------------------------------------------------------------------------------------------------------------
# functions


def description(value: Any) -> Any:
    """What tells apart functions, and what they have been made with: the same in every process.

    A function of ours reads globals that its package's key covers; of others their values are part of this.
    """
    return _described(value, set())


def _described(value: Any, met: set[int]) -> Any:
    # a dispatcher has its function as py_func, an intrinsic as _defn
    function = getattr(value, "py_func", getattr(value, "_defn", value))
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        name = function.__module__, function.__qualname__
        if id(function) in met:  # it calls itself, or what calls it
            return name
        met.add(id(function))
        cells = [_described(_content(cell), met) for cell in function.__closure__ or ()]
        defaults = _described((function.__defaults__, function.__kwdefaults__, function.__annotations__), met)
        return *name, _hash_of_code(code), cells, defaults, () if _is_ours(name[0]) else _globals(function, code, met)
    if isinstance(value, (tuple, list)):
        return type(value).__name__, getattr(value, "_fields", ()), [_described(item, met) for item in value]
    if isinstance(value, dict):
        return [(repr(key), _described(item, met)) for key, item in value.items()]
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):  # repr leaves elements out
        return repr(value.dtype), getattr(value, "shape", ()), hashlib.sha256(value.tobytes()).hexdigest()
    if isinstance(value, type):
        return value.__module__, value.__qualname__, getattr(value, "_fields", ())
    return sorted(map(repr, value)) if isinstance(value, (set, frozenset)) else repr(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing has been assigned to it yet
        return "nothing"


def _globals(function: Any, code: CodeType, met: set[int]) -> list[Any]:
    """The globals that code refers to, by name and value, and such attributes of modules among them."""
    found: list[Any] = []
    names = set(_names(code))
    for name in sorted(names & set(function.__globals__)):
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            of_module = sorted(names & set(vars(value))) if not _is_ours(value.__name__) else []
            found += [(name, attribute, _described(vars(value)[attribute], met)) for attribute in of_module]
        else:
            found.append((name, _described(value, met)))
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_ours(module: str | None) -> bool:
    return f"{module}.".startswith(f"{_ROOT}.")


def _hash_of_code(code: CodeType) -> str:
    digest = hashlib.sha256()
    _feed(code, digest.update)
    return digest.hexdigest()


def short(value: Any) -> str:
    """A few digits of the hash of its description."""
    return hash_of(description(value))[:16]


def hash_of(value: Any) -> str:
    """Of its text."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


# ---------------------------------------------------------------------------------------------------------------------
# packages


def modules(package: str) -> Iterator[str]:
    """All modules of a package of kernels, however deep, by their whole names."""
    folder = Path(__file__).parent.parent.joinpath(*package.split("."))
    yield f"{_ROOT}.{package}"
    for module in pkgutil.iter_modules([str(folder)]):
        if module.ispkg:
            yield from modules(f"{package}.{module.name}")
        else:
            yield f"{_ROOT}.{package}.{module.name}"


def _code(name: str) -> str:
    spec = importlib.util.find_spec(name)
    code = cast(InspectLoader, spec.loader).get_code(name) if spec is not None else None
    if code is None:
        raise ImportError(f"{name} has no bytecode")
    return _hash_of_code(code)


def _keys() -> dict[str, str]:
    found = {package: list(modules(package)) for package in KEPT}
    if __name__ not in found["compile"]:
        raise ImportError(f"no modules in {Path(__file__).parent}")
    own = {package: hash_of([(name, _code(name)) for name in names]) for package, names in found.items()}
    return {package: hash_of([own[package], *(own[name] for name in BELOW[package].split())]) for package in KEPT}


def _keys_or_reason() -> tuple[dict[str, str], str]:
    try:
        return _keys(), ""
    except ImportError as error:  # in an archive that keeps no bytecode, say
        return dict.fromkeys(KEPT, os.urandom(32).hex()), f"the code of numbarnn cannot be read: {error}"


#: of each package: its code and that of the packages below it, as it was when this process imported them; and where
#: that cannot be told, why not: then no two processes have the same keys
KEYS, UNKNOWN = _keys_or_reason()


@functools.cache
def is_as_imported() -> bool:
    """Whether the files are still those that KEYS was made of: some may have changed before they were imported."""
    return _keys_or_reason()[0] == KEYS


def package_of(function: Any) -> str:
    """The package whose key a kernel has; the highest for functions from elsewhere."""
    root, _, rest = str(getattr(function, "__module__", "")).partition(f"{_ROOT}.")
    package = rest.partition(".")[0]
    return package if not root and package in KEYS else "embed"
