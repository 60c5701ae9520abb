"""Which compiled kernel may be used again, and how it is kept on disk.

One file a kernel and signature, whose name is a hash of all that its code depends on: a file is either right or not
looked at, whatever its time stamp says, and processes that write at once write the same.  Numba's own cache looks at
the source of the one function only, reads no folder that it may not write, and raises at a broken file.
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
from .fingerprint import KEYS, description, is_as_imported, package_of

#: environment variables of Numba's that change machine code, by their names in numba.config
_CHOICES = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")
#: what else all compiled code depends on, besides the CPU; of Python its bytecode and its binary interface, which stay
#: the same from 3.11.2 to 3.11.7
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

#: called with the argument types of a kernel before it is loaded: what its code refers to by name must be there
before_load: list[Callable[[Any], None]] = []


def inventory() -> list[str]:
    """What each place holds, where there is anything in it, or why it is not used."""
    lines = []
    for place, ours, others, refused in folders.contents(surroundings(cpu_target.target_context.codegen())):
        if ours or others:
            more = f", and {others} for another CPU or other versions of Python, NumPy or Numba" if others else ""
            lines.append(f"{ours} in {place}{more}")
        lines += [f"not used: {reason}" for reason in refused]
    return lines


def surroundings(codegen: Any) -> str:
    """What tells apart kernels of one source that are compiled for other CPUs, or by other versions of Numba."""
    return _hash((_SURROUNDINGS, codegen.magic_tuple()))[:8]


class KernelCache(_Cache):
    """The files of one kernel, as numba's dispatchers want to see them."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._package = package_of(function)
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder, for numba's statistics."""
        path = folders.writable(self._package)
        return None if path is None else str(path)

    def enable(self) -> None:
        """Read and write, as at first."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write."""
        self._enabled = False

    def flush(self) -> None:
        """Before numba compiles anew: whatever has changed in this process is no part of the key."""
        self.disable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for `sig`, or None, and then numba will compile.

        A file that does not hold what was written to it is one that is not there.  Numba would first import all
        that compiling needs (0.2 s and 50 MB, with SciPy if that is installed); running the code does not.
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
                    # whatever is wrong with a file, the kernel can be compiled
                    with contextlib.suppress(Exception):
                        folders.used(path)
                        return CompileResult._rebuild(target_context, *pickle.loads(payload))
        announce.begin(self._package, surroundings(target_context.codegen()), refused)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep `data`, compiled for `sig`, where that is possible."""
        path = folders.writable(self._package) if self._enabled and not data.library.has_dynamic_globals else None
        if path is not None and is_as_imported():
            name = self._name(sig, data.codegen)
            payload = dumps(data._reduce())
            try:
                trusted.make(path)  # again: another version may have cleaned up
                trusted.write(path, name, _checksum(name, payload) + payload)
                leftovers.remove(path)
            except OSError as error:
                announce.not_kept(path, error)
        announce.done()

    def _stem(self) -> str:
        name: str = self._function.__qualname__.rpartition(".")[2]
        return name.replace("<", "").replace(">", "")

    def _name(self, sig: Any, codegen: Any) -> str:
        types_of = [_described(kind) for kind in getattr(sig, "args", sig)]
        result = repr(getattr(sig, "return_type", None))
        function = description(self._function)
        key = (_SURROUNDINGS, KEYS[self._package], codegen.magic_tuple(), function, types_of, result)
        return f"{self._stem()}-{surroundings(codegen)}-{_hash(key)[:32]}.nbc"


def _described(kind: Any) -> Any:
    """What tells apart types of arguments: more than Numba's names, and the same in every process."""
    if isinstance(kind, types.Dispatcher):  # its code, and what that calls, may belong to a package above
        function = kind.dispatcher.py_func
        return KEYS[package_of(function)], description(function)
    if isinstance(kind, types.BaseTuple):
        fields = description(getattr(kind, "instance_class", None))  # of a named tuple; Numba's name leaves them out
        return fields, [_described(item) for item in kind.types]  # type: ignore[attr-defined]  # all have them
    return repr(kind)


def _hash(key: Any) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()


def _checksum(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + payload).digest()
