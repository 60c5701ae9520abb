"""Writes to a block of memory, counted: whether what was derived from its values still holds."""

from __future__ import annotations

from collections.abc import Callable


class Marks:
    """`lost` is another object each time that a Version, of whatever tensor, loses its mark.

    Who has found many marks in their places needs to look again only if it has changed.
    """

    __slots__ = ("lost",)

    def __init__(self) -> None:
        self.lost = object()


marks = Marks()


class Version:
    """Counts the writes to one block of memory; all views of it share one Version.

    What is derived from the values is kept beside the Version and its count: it holds while neither has changed.  Or
    beside its mark, where there is no time to look at more than one thing.

    `recorded` is the count at the last write that left a node; views older than that have to look again.
    `exposed` says that NumPy code outside holds the same memory, so that writes can go uncounted and nothing derived
    from the values may be kept.
    `before_write` is called once, before the next write that is announced: whoever still needs the values takes a
    copy then.  In-place operations announce theirs; what writes to parameters and gradients only counts.
    """

    # What most tensors never change lies in the class: one is made for every result, and that takes half the time.
    count = 0
    recorded = 0
    exposed = False
    before_write: Callable[[], None] | None = None
    mark: object = None

    def marked(self) -> object:
        """The mark that is here until the values, or whether a tensor over them needs a gradient, may have changed.

        To be read before the values: if they are written meanwhile, the mark is gone.
        """
        mark = self.mark
        if mark is None:
            mark = self.mark = object()
        return mark

    def announce(self) -> None:
        """Say that a write comes, while the values are still there."""
        before_write, self.before_write = self.before_write, None
        if before_write is not None:
            before_write()

    def wrote(self) -> None:
        """Count a write."""
        self.count += 1
        if self.mark is not None:
            self.unmark()

    def expose(self) -> None:
        """Note that NumPy code outside holds the memory from now on."""
        self.exposed = True
        self.unmark()

    def unmark(self) -> None:
        """Take the mark away, if there is one."""
        if self.mark is not None:
            self.mark = None
            marks.lost = object()  # no number that is counted up: of two threads at once, one would go unseen
