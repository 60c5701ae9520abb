"""Reading the pickle of a torch file without pickle: a small machine for the few operations that torch writes.

It imports nothing and calls nothing but the table in `rebuild`.  A first pass looks at every operation and every
name, so that a file which asks for anything else is refused before any of it runs.
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .contents import checked_key
from .elements import Part
from .errors import CheckpointError
from .rebuild import GLOBALS, Call, Storage

#: a state dict takes about 40 operations a tensor; what they can allocate at most is some hundred megabytes.  Of a
#: long pickle one more for 8 bytes, which a list of floats needs
MOST_OPERATIONS, _BYTES = 2_000_000, 8


class _Parts(tuple[Any, ...]):
    """A tuple that holds a Part, or a tuple of that kind."""

    __slots__ = ()


class Unpickler:
    """Runs one pickle.  `storage_of(id)` gives the storage that a persistent id stands for."""

    def __init__(self, storage_of: Callable[[tuple[Any, ...]], Storage]) -> None:
        self._storage_of = storage_of
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks under each mark
        self._memo: dict[int, Any] = {}
        self._copied = 0  # items of what was handed to calls: one large dict could be copied again and again

    def load(self, data: bytes) -> Any:
        """What the pickle in `data` builds."""
        _scan(data)
        self._most_copied = MOST_OPERATIONS + len(data)
        for opcode, argument, _ in pickletools.genops(data):
            _OPERATIONS[opcode.name](self, argument)
        return _value(self._stack.pop())

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _memoize(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _mark(self, _: Any) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _above_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _tuple(self, items: list[Any]) -> None:
        mixed = any(isinstance(item, (Part, _Parts)) for item in items)
        self._push((_Parts if mixed else tuple)(items))

    def _short_tuple(self, length: int) -> None:
        items = self._stack[-length:]
        if len(items) != length:
            raise CheckpointError("the pickle is damaged: its stack is empty")
        del self._stack[-length:]
        self._tuple(items)

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            raise CheckpointError(f"the pickle is damaged: it appends to a {type(target).__name__}")
        target.extend(_value(item) for item in items)

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise CheckpointError(f"the pickle is damaged: it sets items of a {type(target).__name__}")
        for key, item in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = _value(item)

    def _two(self) -> list[Any]:
        item, key = self._stack.pop(), self._stack.pop()
        return [key, item]

    def _reduce(self, _: Any) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Call) or not isinstance(arguments, tuple):
            raise CheckpointError(f"the pickle is damaged: it calls a {type(function).__name__}")
        self._copied += sum(len(argument) for argument in arguments if isinstance(argument, _COPIED))
        if self._copied > self._most_copied:
            raise CheckpointError(f"expected calls with at most {self._most_copied} items in all")
        self._push(function.build(arguments))

    def _build(self, _: Any) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if not isinstance(target, OrderedDict) or not isinstance(state, dict) or set(state) != {"_metadata"}:
            raise CheckpointError("the pickle sets attributes other than the _metadata of a state dict")
        target.__dict__.update(state)

    def _persistent(self, _: Any) -> None:
        identity = self._stack.pop()
        if not isinstance(identity, tuple):
            raise CheckpointError(f"expected a storage to be named by a tuple, got {type(identity).__name__}")
        self._push(self._storage_of(identity))


#: arguments of calls that could be given again and again
_COPIED = (tuple, list, dict, str, bytes)


def check_length(data: bytes) -> None:
    """CheckpointError for a pickle of more operations than are read."""
    most = MOST_OPERATIONS + len(data) // _BYTES
    if len(data) > most and sum(1 for _ in pickletools.genops(data)) > most:
        raise CheckpointError(f"expected a pickle of at most {most} operations")


def _scan(data: bytes) -> None:
    """Refuse what is not in the tables, by looking only."""
    most = MOST_OPERATIONS + len(data) // _BYTES
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        if opcode.name == "GLOBAL" and argument not in GLOBALS:
            name = str(argument).replace(" ", ".")
            raise CheckpointError(
                f"refused, and nothing of it was run: it names {name!r}. Only tensors and plain values are read: "
                "of a whole model save its state_dict() instead"
            )
        if opcode.name not in _OPERATIONS:
            raise CheckpointError(
                f"refused, and nothing of it was run: {opcode.name} at byte {position} of its pickle is not among "
                "what torch.save writes by default (pickle protocol 2)"
            )
        if count >= most:
            raise CheckpointError(f"expected a pickle of at most {most} operations")


def _value(value: Any) -> Any:
    """`value`, which is to be part of the result."""
    if isinstance(value, Storage):
        raise CheckpointError("it holds a torch Storage, which is not read by itself: save a tensor of it instead")
    if isinstance(value, (Part, _Parts)):
        raise CheckpointError("the pickle is damaged: what builds a tensor is left over in the result")
    return value


_OPERATIONS: dict[str, Callable[[Unpickler, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "STOP": lambda machine, _: None,
    "NONE": lambda machine, _: machine._push(None),
    "NEWTRUE": lambda machine, _: machine._push(True),
    "NEWFALSE": lambda machine, _: machine._push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"), Unpickler._push),
    "GLOBAL": lambda machine, name: machine._push(GLOBALS[name]),
    "BINPERSID": Unpickler._persistent,
    "REDUCE": Unpickler._reduce,
    "BUILD": Unpickler._build,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), Unpickler._memoize),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, number: machine._push(machine._memo[number])),
    "MARK": Unpickler._mark,
    "TUPLE": lambda machine, _: machine._tuple(machine._above_mark()),
    "EMPTY_TUPLE": lambda machine, _: machine._push(()),
    "TUPLE1": lambda machine, _: machine._short_tuple(1),
    "TUPLE2": lambda machine, _: machine._short_tuple(2),
    "TUPLE3": lambda machine, _: machine._short_tuple(3),
    "EMPTY_LIST": lambda machine, _: machine._push([]),
    "APPEND": lambda machine, _: machine._append([machine._stack.pop()]),
    "APPENDS": lambda machine, _: machine._append(machine._above_mark()),
    "EMPTY_DICT": lambda machine, _: machine._push({}),
    "SETITEM": lambda machine, _: machine._set_items(machine._two()),
    "SETITEMS": lambda machine, _: machine._set_items(machine._above_mark()),
}
