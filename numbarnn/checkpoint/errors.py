"""The one error of a file that cannot be read."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

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
    """What is wrong with the file is a CheckpointError that names it; what went wrong in reading it stays as it is."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except CheckpointError as error:
        raise CheckpointError(f"load: {name}: {short(error)}") from error.__cause__
    except Exception as error:
        failure = error.__context__ if isinstance(error, BadZipFile) else error  # zipfile hides it in one place
        if isinstance(failure, OSError) and failure.errno != EINVAL:  # that is a damaged file's seek to nowhere
            raise failure from None
        # such a file can also lead zipfile, json and NumPy to nearly any of theirs
        raise CheckpointError(f"load: {name}: the file is damaged: {type(error).__name__}: {short(error)}") from error


def short(error: Exception) -> str:
    """The message, without most of what a hostile file may have had in it."""
    message = str(error)
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "..."
