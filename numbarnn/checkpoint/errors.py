"""The one error of a file that cannot be read."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

LONGEST_MESSAGE = 500


class CheckpointError(UnpicklingError, RuntimeError):
    """A file that is damaged, not a checkpoint, or asks for more than tensors and plain values.

    torch raises UnpicklingError for some such files and RuntimeError for others: this is both.
    """


def shown(value: Any) -> str:
    """A value out of a file, in few characters: tuples of the same tuples again and again would print as gigabytes."""
    return reprlib.repr(value)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Whatever goes wrong inside is a CheckpointError that names the file."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except CheckpointError as error:
        raise CheckpointError(f"load: {name}: {_short(error)}") from error.__cause__
    except Exception as error:  # a damaged file can lead zipfile, json and NumPy to nearly any of theirs
        raise CheckpointError(f"load: {name}: the file is damaged: {type(error).__name__}: {_short(error)}") from error


def _short(error: Exception) -> str:
    """The message, without most of what a hostile file may have had in it."""
    message = str(error)
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "..."
