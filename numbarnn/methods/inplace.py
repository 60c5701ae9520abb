"""Writing to a tensor's memory."""

from __future__ import annotations

from .attributes import Attributes


class InPlace(Attributes):
    """x.op_()"""

    __slots__ = ()
