"""`save` and `load`: which format, which file, and what may be asked of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ..dtypes import device
from . import atomic, npz, safe, torch_zip
from .archive import Archive
from .errors import CheckpointError, reading

#: by the end of the name; everything else is torch's
_FORMATS: dict[str, Callable[[Any], atomic.Writer]] = {
    ".npz": npz.prepare,
    ".safetensors": safe.prepare,
}
_PICKLE = b"\x80"


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write tensors, plain values and dicts, lists and tuples of them to a file that `load`, and torch, can read.

    The name decides on the format: `.npz` is NumPy's, `.safetensors` that of the package of this name (a dict of
    tensors only), and everything else torch's, which `torch.load` reads without further ado.  There, tensors that
    share memory go on doing so; the other two store each of them whole.  A file is replaced at once, when all of it
    is on the disk: a crash leaves the old one.  An open file is written to where it stands.

    Raises TypeError or ValueError for an object that does not fit into the format, before anything is written, and
    RuntimeError for a folder that does not exist.

    >>> import io, numbarnn
    >>> file = io.BytesIO()
    >>> numbarnn.save({"epoch": 3, "weight": numbarnn.ones(2)}, file)
    >>> numbarnn.load(file)
    {'epoch': 3, 'weight': tensor([1., 1.])}
    """
    prepare = _FORMATS.get(os.path.splitext(_name(f))[1].lower(), torch_zip.prepare)
    if isinstance(f, (str, os.PathLike)):
        atomic.write(os.fsdecode(f), prepare(obj))
    elif hasattr(f, "write"):
        prepare(obj)(f)
    else:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """Read what `save`, `torch.save`, `np.savez` or safetensors wrote; the content decides on the format.

    An open file is read from its start.

    Of torch's files (of 1.6 and later) those are read that hold tensors, plain values and dicts, lists and tuples of
    them: state dicts of models, optimizers and schedulers.  Nothing in a file is ever run, whatever `weights_only`
    says, and what names anything else is refused before it is looked at further.  float16 and bfloat16 become
    float32, which holds all of their values.  Every tensor comes to the CPU, also one that was saved on a GPU.
    `mmap` is accepted; the file is read whole.

    Raises CheckpointError, both a RuntimeError and a pickle.UnpicklingError, for a file that is damaged or refused;
    memory stays within a small multiple of the file's length, of a compressed `.npz` 64 MB more, and of a file that was
    made of small objects on purpose 300 MB more.
    """
    _check_location(map_location)
    for name, value in (("weights_only", weights_only), ("mmap", mmap)):
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"load: {name}: expected a bool or None, got {type(value).__name__}")
    with _opened(f) as file, reading(_name(f) or type(f).__name__):
        return _read(file)


def _read(file: IO[bytes]) -> Any:
    file.seek(0)
    start = file.read(16)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        archive = Archive(file)
        for kind in (torch_zip, npz):
            if kind.recognised(archive):
                return kind.read(archive)
        raise CheckpointError("a zip file, but neither torch's nor NumPy's")
    if safe.recognised(start):
        file.seek(0)
        return safe.read(file.read())
    if start.startswith(_PICKLE):
        raise CheckpointError(
            "a bare pickle, as torch wrote before 1.6, is not read: load it with torch and save it again"
        )
    raise CheckpointError("not a checkpoint: neither a torch, an .npz nor a .safetensors file")


@contextmanager
def _opened(f: Any) -> Iterator[IO[bytes]]:
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            yield file
    elif hasattr(f, "read") and hasattr(f, "seek"):
        yield f
    else:
        raise AttributeError(
            f"'{type(f).__name__}' object has no attribute 'seek'. You can only load from a file that is seekable. "
            "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        )


def _name(f: Any) -> str:
    name = f if isinstance(f, (str, os.PathLike)) else getattr(f, "name", "")
    return os.fsdecode(name) if isinstance(name, (str, os.PathLike)) else ""


def _check_location(location: Any) -> None:
    """All that can be asked for is the CPU; a function is asked for nothing, for there is no other place."""
    if location is None or callable(location):
        return
    for wanted in location.values() if isinstance(location, dict) else (location,):
        if not isinstance(wanted, (str, device)):
            raise TypeError(f"load: map_location: expected a device, its name, a dict or a function, got {wanted!r}")
        place = device(wanted).type
        if place != "cpu":
            raise RuntimeError(
                f"load: map_location: expected 'cpu', got '{place}': tensors are loaded to the CPU, and "
                "load_state_dict copies them to where the model is"
            )
