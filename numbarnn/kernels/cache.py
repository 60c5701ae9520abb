"""Where compiled kernels are kept on disk, and when one that was kept may be used again.

One file a kernel and signature, whose name is a hash of all that its code depends on: a file is either right or not
looked at, whatever its time stamp says, and processes that write at once write the same.  Numba's own cache looks at
the source of the one function only, reads no folder that it may not write, and raises at a broken file.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from . import leftovers, notice
from .fingerprint import SOURCES_HASH, description
from .simd import VECTOR_BYTES

_HERE = Path(__file__).parent
#: what else all compiled code depends on; numba's own key adds the CPU
_SURROUNDINGS = (
    numba.__version__,
    llvmlite.__version__,
    np.__version__,
    platform.python_implementation(),
    sys.version_info[:3],
    VECTOR_BYTES,
    SOURCES_HASH,
)
_CHECKED = hashlib.sha256().digest_size


def _candidates() -> Iterator[Path]:
    """Folders to read from; the first that can be written is written to."""
    version = f"numbarnn-{SOURCES_HASH[:16]}"
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    if chosen:
        yield Path(chosen, version)
        return
    yield _HERE / "__pycache__" / version
    # without a home it would be a relative path, of whichever folder is the current one
    user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    if user.is_absolute():
        yield user / version


@functools.cache
def folder() -> Path | None:
    """Where kernels that this process compiles are kept; None: nowhere."""
    for candidate in _candidates():
        with contextlib.suppress(OSError):
            new = not candidate.exists()
            candidate.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=candidate).close()
            if new:
                with contextlib.suppress(OSError):
                    leftovers.remove(candidate)
            return candidate
    notice.once(
        "no folder to keep compiled kernels in can be written: every process compiles its own "
        "(NUMBA_CACHE_DIR names one)"
    )
    return None


#: called with the argument types of a kernel before it is loaded: what its code refers to by name must be there
before_load: list[Callable[[Any], None]] = []


class KernelCache(_Cache):
    """The files of one kernel, as numba's dispatchers want to see them."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder, for numba's statistics."""
        path = folder()
        return None if path is None else str(path)

    def enable(self) -> None:
        """Read and write, as at first."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write."""
        self._enabled = False

    def flush(self) -> None:
        """Forget what is kept of this kernel, before numba compiles it anew."""
        stem = self._stem()
        for file in itertools.chain.from_iterable(path.glob(f"{stem}-*.nbc") for path in _candidates()):
            with contextlib.suppress(OSError):
                file.unlink()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for `sig`, or None, and then numba will compile.

        A file that does not hold what was written to it is one that is not there.  Numba would first import all
        that compiling needs (0.2 s and 50 MB, with SciPy if that is installed); running the code does not.
        """
        for make in before_load:
            make(getattr(sig, "args", sig))
        if self._enabled:
            rtsys.initialize(target_context)
            name = self._name(sig, target_context.codegen())
            for path in _candidates():
                # whatever is wrong with a file, the kernel can be compiled
                with contextlib.suppress(Exception):
                    content = (path / name).read_bytes()
                    checksum, payload = content[:_CHECKED], content[_CHECKED:]
                    if checksum == _checksum(name, payload):
                        return CompileResult._rebuild(target_context, *pickle.loads(payload))
        notice.once("compiling kernels for this CPU: some seconds, and only once where they can be kept")
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep `data`, compiled for `sig`, or say once that it cannot be kept."""
        path = folder() if self._enabled and not data.library.has_dynamic_globals else None
        if path is None:
            return
        name = self._name(sig, data.codegen)
        payload = dumps(data._reduce())
        try:
            with _replacing(path / name) as file:
                file.write(_checksum(name, payload) + payload)
        except OSError as error:
            notice.once(f"a compiled kernel cannot be kept: {error}")

    def _stem(self) -> str:
        name: str = self._function.__qualname__.rpartition(".")[2]
        return name.replace("<", "").replace(">", "")

    def _name(self, sig: Any, codegen: Any) -> str:
        key = (_SURROUNDINGS, codegen.magic_tuple(), description(self._function), repr(sig))
        return f"{self._stem()}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.nbc"


def _checksum(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + payload).digest()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Any]:
    """A file to write that takes its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(name, 0o644)  # an image is built by one user and run by another
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
