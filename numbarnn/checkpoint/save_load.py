"""`save` and `load`: which format, which file, on which device, and what may be asked of them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ..arrays import devices
from ..arrays.dtypes import device
from ..tensors.tensor import Tensor
from . import npz, safetensors_file, torch_zip, whole_files
from .archive import Archive
from .contents import height
from .errors import CheckpointError, reading

#: by the end of the name; everything else is torch's
_FORMATS: dict[str, Callable[[Any], whole_files.Writer]] = {
    ".npz": npz.prepare,
    ".safetensors": safetensors_file.prepare,
}
_PICKLE = b"\x80"


def save(
    obj: Any,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, plain values and dicts, lists, tuples and sets of them to a file that `load`, and torch, can read.

    The name decides on the format: `.npz` is NumPy's, `.safetensors` that of the package of this name (a dict of
    tensors only), and everything else torch's, which `torch.load` reads without further ado.  There, tensors that
    share memory, and containers that are in several places, go on doing so; the other two store each of them whole.
    A file is replaced at once, when all of it is on the disk: a crash leaves the old one.  An open file, which may be
    a pipe, is written to where it stands.  Plain values are numbers, str, bytes, bool, None, dtypes and devices.

    `pickle_module` and `pickle_protocol` are accepted: no pickler is asked, and it is protocol 2 that torch's `load`
    reads by default.

    Raises TypeError or ValueError for an object that does not fit into the format, before anything is written, and
    RuntimeError for a folder that does not exist.

    >>> import io, numbarnn
    >>> file = io.BytesIO()
    >>> numbarnn.save({"epoch": 3, "weight": numbarnn.ones(2)}, file)
    >>> numbarnn.load(file)
    {'epoch': 3, 'weight': tensor([1., 1.])}
    """
    _check_pickle("save", pickle_module)
    if not isinstance(pickle_protocol, int) or _use_new_zipfile_serialization is not True:
        raise ValueError("save: expected a pickle_protocol that is an int, and torch's format of 1.6 and later")
    prepare = _FORMATS.get(os.path.splitext(_name(f))[1].lower(), torch_zip.prepare)
    if isinstance(f, (str, os.PathLike)):
        whole_files.write(os.fsdecode(f), prepare(obj))
    elif hasattr(f, "write"):
        prepare(obj)(whole_files.writing(f))
    else:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Read what `save`, `torch.save`, `np.savez` or safetensors wrote; the content decides on the format.

    An open file is read from its start.

    Of torch's files (of 1.6 and later) those are read that hold tensors, plain values and dicts, lists, tuples and
    sets of them: state dicts of models, optimizers and schedulers.  Nothing in a file is ever run, whatever
    `weights_only` says, and what names anything else is refused before it is looked at further.  float16 and bfloat16
    become float32, which holds all of their values; a dtype that is a value stays what it is.  Every tensor comes to
    the CPU, also one that was saved on a GPU, unless `map_location` is "cuda": then each of them to memory of its own
    there.
    `mmap`, `pickle_module` and `encoding` are accepted; the file is read whole, and no strings of Python 2 are.

    Raises CheckpointError, both a RuntimeError and a pickle.UnpicklingError, for a file that is damaged or refused, and
    OSError for one that cannot be read, of which io.UnsupportedOperation is for a pipe;
    memory stays within a small multiple of the file's length, of a compressed `.npz` 200 MB more, and of a file that
    was made of small objects on purpose 400 MB more.
    """
    place = goal(map_location)
    _check_pickle("load", pickle_module)
    for name, value in (("weights_only", weights_only), ("mmap", mmap)):
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"load: {name}: expected a bool or None, got {type(value).__name__}")
    with _opened(f) as file, reading(_name(f) or type(f).__name__):
        loaded = _read(file)
    move(loaded, place)
    return loaded


def _check_pickle(function: str, module: Any) -> None:
    """Another pickler may write other things; what it would do is not done."""
    if module is not None and getattr(module, "__name__", "") not in ("pickle", "_pickle", "cPickle"):
        raise ValueError(f"{function}: pickle_module: expected the module pickle, got {module!r}")


def _read(file: IO[bytes]) -> Any:
    file.seek(0)
    start = file.read(16)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        archive = Archive(file)
        for kind in (torch_zip, npz):
            if kind.recognised(archive):
                value = kind.read(archive)
                height(value)
                return value
        raise CheckpointError("a zip file, but neither torch's nor NumPy's")
    if safetensors_file.recognised(start):
        file.seek(0)
        return safetensors_file.read(file.read())
    if start.startswith(_PICKLE):
        raise CheckpointError(
            "a bare pickle, as torch wrote before 1.6, is not read: load it with torch and save it again"
        )
    raise CheckpointError("not a checkpoint: neither a torch, an .npz nor a .safetensors file")


@contextmanager
def _opened(f: Any) -> Iterator[IO[bytes]]:
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            _check_file(file)
            yield file
    else:
        _check_file(f)
        yield f


def _check_file(file: Any) -> None:
    """It has to give bytes, from any place."""
    advice = (
        "You can only load from a file that is seekable. Please pre-load the data into a buffer like io.BytesIO and "
        "try to load from it instead."
    )
    for name in ("seek", "read"):
        if not hasattr(file, name):
            raise AttributeError(f"'{type(file).__name__}' object has no attribute '{name}'. {advice}")
    if hasattr(file, "seekable") and not file.seekable():
        raise io.UnsupportedOperation(f"load: f: {_name(file) or type(file).__name__} is not seekable. {advice}")
    if isinstance(file.read(0), str):
        raise TypeError(f"load: f: expected a file opened in binary mode, got {type(file).__name__}, which gives str")


def _name(f: Any) -> str:
    name = f if isinstance(f, (str, os.PathLike)) else getattr(f, "name", "")
    return os.fsdecode(name) if isinstance(name, (str, os.PathLike)) else ""


def goal(location: Any) -> device:
    """The device that `map_location` asks for; a function or a dict can ask for the CPU alone."""
    if location is None or callable(location):
        return devices.chosen("cpu")
    for wanted in location.values() if isinstance(location, dict) else (location,):
        if not isinstance(wanted, (str, device)):
            raise TypeError(f"load: map_location: expected a device, its name, a dict or a function, got {wanted!r}")
        place = device(wanted).type
        if place != "cpu" and isinstance(location, dict):
            raise RuntimeError(
                f"load: map_location: expected a dict whose values are 'cpu', got '{place}': which device a tensor was "
                f"saved on is not looked at; map_location='{place}' brings all of them there"
            )
    return devices.chosen("cpu" if isinstance(location, dict) else location)


def move(loaded: Any, place: device) -> None:
    """Bring every tensor inside `loaded` to a device; what is one object stays one."""
    if place.type == "cpu":
        return
    # Each object once: a file can name one list a million times.
    waiting, seen = [loaded], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            value.data = value.data.to(place)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
