"""Writes to a block of memory, counted: whether what was derived from its values still holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Protocol


class Keeper(Protocol):
    """What keeps something that was derived from a tensor's values."""

    def _drop_derived(self) -> None:
        """Let go of it."""


class Changes:
    """`latest` is another object after each change of a tensor that something was derived from.

    What was derived from many tensors has one thing to look at, and only if that differs at each of them.
    """

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.note()

    def note(self) -> None:
        """There was a change.  No number is counted up: of two threads that did so at once, one would go unseen."""
        self.latest = object()


#: of all tensors
changes = Changes()


class Version:
    """Counts the writes to one block of memory; all views of it share one Version.

    `recorded` is the count at the last write that left a node; views older than that have to look again.
    `exposed` says that NumPy code outside holds the same memory, so that writes can go uncounted and
    nothing derived from the values may be cached.
    `watched` says that something was derived from the values, which looks at `changes`.
    `keepers` keep what was derived from the values, and let go of it when a tensor leaves the memory.
    `before_write` is called once, before the next write that is announced: whoever still needs the values takes a
    copy then.  In-place operations announce theirs; what writes to parameters and gradients only counts.
    """

    # What most tensors never change lies in the class: one is made for every result, and that takes half the time.
    count = 0
    recorded = 0
    exposed = False
    watched = False
    keepers: tuple[weakref.ref[Keeper], ...] = ()
    before_write: Callable[[], None] | None = None

    def announce(self) -> None:
        """Say that a write comes, while the values are still there."""
        before_write, self.before_write = self.before_write, None
        if before_write is not None:
            before_write()

    def wrote(self) -> None:
        """Count a write."""
        self.count += 1
        if self.watched:
            changes.note()

    def expose(self) -> None:
        """Note that NumPy code outside holds the memory from now on."""
        self.exposed = True
        if self.watched:
            changes.note()

    def keep(self, keeper: Keeper) -> None:
        """Have `keeper`, which is not kept alive by this, told by `forget`."""
        alive = [ref for ref in self.keepers if ref() is not None and ref() is not keeper]
        self.keepers = (*alive, weakref.ref(keeper))

    def forget(self) -> None:
        """A tensor has left the memory: what was derived from the values would only keep it from being freed."""
        keepers, self.keepers = self.keepers, ()
        for ref in keepers:
            keeper = ref()
            if keeper is not None:
                keeper._drop_derived()
