"""Compiled kernels on disk: which one may be used again.

There is one file for each kernel and signature.  Its name has a hash of all that the machine code depends on, so a file
with the right name is right, whatever its time stamp, and processes that write the same file at once write the same
content.  Numba's own cache looks only at the file that defines a function, does not read a folder that it may not
write, and raises an error at a broken file.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import platform
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import MAGIC_NUMBER
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps

from ..simd.target import VECTOR_BYTES
from . import announce, folders, leftovers, trusted
from .fingerprint import KEYS, description, hash_of, is_as_imported, package_of

#: environment variables of Numba's that change machine code, by their names in numba.config
_CHOICES = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")
#: what machine code depends on, besides the CPU and our own code; of Python only its bytecode and its binary interface,
#: so that kernels of 3.11.2 are good for 3.11.7
_SURROUNDINGS = (
    numba.__version__,
    llvmlite.__version__,
    np.__version__,
    platform.python_implementation(),
    MAGIC_NUMBER,
    EXTENSION_SUFFIXES[0],
    VECTOR_BYTES,
    *(str(getattr(numba.config, choice, None)) for choice in _CHOICES),
)
_CHECKED = hashlib.sha256().digest_size

#: called with the argument types of a kernel before it is loaded, to load the kernels that its code calls by name
before_load: list[Callable[[Any], None]] = []


def inventory() -> list[str]:
    """Lines for the user: how many kernels are in each place, and which places are not used, and why."""
    lines = []
    for place, ours, others, refused in folders.contents(surroundings(cpu_target.target_context.codegen())):
        if ours or others:
            more = f", and {others} for another CPU or other versions of Python, NumPy or Numba" if others else ""
            lines.append(f"{ours} in {place}{more}")
        lines += [f"not used: {reason}" for reason in refused]
    return lines


def surroundings(codegen: Any) -> str:
    """A hash of the CPU and of the versions of all but numbarnn: a part of the name of each file."""
    return hash_of((_SURROUNDINGS, codegen.magic_tuple()))[:8]


class KernelCache(_Cache):
    """The files of one kernel, with the methods that Numba's dispatchers call."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._package = package_of(function)
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder that new files are written to, for Numba's statistics."""
        path = folders.writable(self._package)
        return None if path is None else str(path)

    def enable(self) -> None:
        """Read and write files, as at the beginning."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write files."""
        self._enabled = False

    def flush(self) -> None:
        """Called before Numba recompiles: what may have changed in this process since its start is not in the key."""
        self.disable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel for `sig` from a file; None if there is no such file, and Numba compiles.

        A file whose checksum is wrong counts as missing.  Numba's own method first imports all that compiling needs
        (0.2 s and 50 MB, with SciPy if that is installed), which the machine code does not.
        """
        for make in before_load:
            make(getattr(sig, "args", sig))
        refused = []
        if self._enabled:
            rtsys.initialize(target_context)
            name = self._name(sig, target_context.codegen())
            for path in folders.candidates(self._package):
                try:
                    content = trusted.read(path, name)
                except trusted.Refused as error:
                    refused.append(str(error))
                    continue
                except OSError:
                    continue
                checksum, payload = content[:_CHECKED], content[_CHECKED:]
                if checksum == _checksum(name, payload):
                    # whatever error a file leads to, the kernel can still be compiled
                    with contextlib.suppress(Exception):
                        folders.used(path)
                        return CompileResult._rebuild(target_context, *pickle.loads(payload))
        announce.begin(self._package, surroundings(target_context.codegen()), refused)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the kernel `data`, compiled for `sig`, to a file if there is a folder for it."""
        path = folders.writable(self._package) if self._enabled and not data.library.has_dynamic_globals else None
        if path is not None and is_as_imported():
            name = self._name(sig, data.codegen)
            payload = dumps(data._reduce())
            try:
                trusted.make(path)  # again: another version may have removed an empty folder
                trusted.write(path, name, _checksum(name, payload) + payload)
                leftovers.remove(path)
            except OSError as error:
                announce.not_kept(path, error)
        announce.done()

    def _name(self, sig: Any, codegen: Any) -> str:
        types_of = [_described(kind) for kind in getattr(sig, "args", sig)]
        result = repr(getattr(sig, "return_type", None))
        function = description(self._function)
        stem = self._function.__qualname__.rpartition(".")[2].replace("<", "").replace(">", "")
        key = (_SURROUNDINGS, KEYS[self._package], codegen.magic_tuple(), function, types_of, result)
        return f"{stem}-{surroundings(codegen)}-{hash_of(key)[:32]}.nbc"


def _described(kind: Any) -> Any:
    """What tells apart types of arguments: more than the names of Numba's types, and the same in every process."""
    if isinstance(kind, types.Dispatcher):  # its code, and what that calls, may belong to a package above
        function = kind.dispatcher.py_func
        return KEYS[package_of(function)], description(function)
    if isinstance(kind, types.BaseTuple):
        fields = description(getattr(kind, "instance_class", None))  # of a named tuple: its type's name leaves them out
        return fields, [_described(item) for item in kind.types]  # type: ignore[attr-defined]  # all have them
    return repr(kind)


def _checksum(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + payload).digest()
