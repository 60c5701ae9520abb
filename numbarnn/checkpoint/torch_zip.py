"""torch's files (`.pt`, `.pth`): a zip with a pickle of the structure and one member for each storage."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from .archive import Archive, write_archive
from .contents import array_of, tensors
from .elements import UNTYPED, Element
from .errors import CheckpointError, shown
from .pickler import Blocks, Pickler
from .rebuild import Storage
from .unpickler import Unpickler, check_length
from .whole_files import Writer

_PICKLE = "/data.pkl"


def recognised(archive: Archive) -> bool:
    """Whether it holds a torch pickle."""
    return any(name.endswith(_PICKLE) for name in archive.names)


def read(archive: Archive) -> Any:
    """The object in the file; its storages are read as the pickle asks for them."""
    roots = [name.removesuffix(_PICKLE) for name in archive.names if name.endswith(_PICKLE)]
    if len(roots) != 1:
        raise CheckpointError(f"expected one data.pkl, got {len(roots)}")
    storages = _Storages(archive, roots[0])
    return Unpickler(storages.named).load(archive.read(roots[0] + _PICKLE).tobytes())


class _Storages:
    """The storages of an archive, each read once."""

    def __init__(self, archive: Archive, root: str) -> None:
        self._archive = archive
        self._folder = f"{root}/data/"
        record = f"{root}/byteorder"
        # torch before 2.1 did not write it
        self._byteorder = archive.read(record).tobytes().decode() if record in archive else "little"
        if self._byteorder not in ("little", "big"):
            raise CheckpointError(f"expected the byte order to be little or big, got {self._byteorder!r}")
        self._read: dict[str, Storage] = {}

    def named(self, identity: tuple[Any, ...]) -> Storage:
        """The storage that `("storage", type, key, device, number of elements)` stands for; the device is ours."""
        if len(identity) != 5 or identity[0] != "storage":
            raise CheckpointError(f"expected the name of a storage in five parts, got {len(identity)}")
        _, element, key, _, count = identity
        if not isinstance(element, Element) or type(key) is not str or not (key.isascii() and key.isdigit()):
            raise CheckpointError(f"expected a storage's type and number, got {shown(key)}")
        storage = self._read.get(key)
        if storage is None:
            if element is UNTYPED and self._byteorder != sys.byteorder:
                raise CheckpointError(f"storage {key}: expected untyped bytes in the order of this machine")
            array = element.array(self._archive.read(self._folder + key), self._byteorder)
            storage = self._read[key] = Storage(array, element)
        if storage.element is not element or type(count) is not int or storage.array.size != count:
            raise CheckpointError(
                f"storage {key}: expected {shown(count)} elements of {element.torch}, got {storage.array.size} of "
                f"{storage.element.torch}"
            )
        return storage


def prepare(obj: Any) -> Writer:
    """What writes `obj`, once all of it is known to fit into the format."""
    arrays = {id(value): array_of(value) for _, value in tensors(obj)}
    blocks = Blocks.under(arrays.values())
    pickled = Pickler(arrays, blocks).dump(obj)
    try:
        check_length(pickled)
    except CheckpointError as error:
        raise ValueError(f"save: {error}: keep many numbers in a tensor") from None
    members = [
        ("archive/data.pkl", (pickled,)),
        ("archive/byteorder", (sys.byteorder.encode(),)),
        *((f"archive/data/{block.number}", (block.array,)) for block in blocks.blocks),
        ("archive/version", (b"3\n",)),
    ]
    return partial(write_archive, members=members)
