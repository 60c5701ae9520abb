"""What programs ask of a GPU: there is none here, so they go on with the CPU."""

from __future__ import annotations


def is_available() -> bool:
    """False: numbarnn's tensors live on the CPU.

    >>> is_available()
    False
    """
    return False


def device_count() -> int:
    """0, for the same reason.

    >>> device_count()
    0
    """
    return 0


__all__ = ["device_count", "is_available"]
