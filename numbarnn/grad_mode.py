"""Whether operations are recorded: a switch per thread, and the context managers that set it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    now = (True, False)  # whether operations are recorded, whether in inference_mode: one look-up a thread for both


_mode = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread.

    >>> is_grad_enabled()
    True
    """
    return _mode.now[0]


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`.

    >>> with inference_mode():
    ...     is_inference_mode_enabled()
    True
    """
    return _mode.now[1]


class _Switch:
    """A context manager, and a decorator, that sets the mode and puts back what was there."""

    _grad: bool
    _inference: bool | None = None  # None: as it is

    def __new__(cls, function: Any = None) -> Any:
        switch = object.__new__(cls)
        if function is None or not callable(function):
            return switch
        switch.__init__()  # type: ignore[misc]  # used as a decorator without parentheses
        return switch(function)

    def __init__(self) -> None:
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        before = _mode.now
        self._before.append(before)
        _mode.now = (self._grad, before[1] if self._inference is None else self._inference)

    def __exit__(self, *exc: object) -> None:
        _mode.now = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before = _mode.now  # not `with self`: several threads may be in here
            _mode.now = (self._grad, before[1] if self._inference is None else self._inference)
            try:
                return function(*args, **kwargs)
            finally:
                _mode.now = before

        return wrapper  # type: ignore[return-value]  # wraps() keeps the signature, mypy cannot see it


class no_grad(_Switch):
    """Nothing inside is recorded: results do not require grad.  A context manager or a decorator.

    >>> import numbarnn
    >>> w = numbarnn.ones(2, requires_grad=True)
    >>> with numbarnn.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    _grad = False


class enable_grad(_Switch):
    """Recording is on inside, also within `no_grad`.

    >>> with no_grad(), enable_grad():
    ...     is_grad_enabled()
    True
    """

    _grad = True


class inference_mode(_Switch):
    """`no_grad` that a model may take as leave to skip whatever only training needs.

    `inference_mode(False)` switches it off again inside, as in torch.

    >>> with inference_mode():
    ...     is_grad_enabled(), is_inference_mode_enabled()
    (False, True)
    """

    def __init__(self, mode: bool = True) -> None:
        self._before = []
        self._grad = not mode
        self._inference = bool(mode)


class set_grad_enabled(_Switch):
    """`set_grad_enabled(False)` takes effect at once; as a context manager it is undone at the end.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    >>> is_grad_enabled()
    True
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._grad = bool(mode)
        super().__enter__()
        self._entered = False

    def __enter__(self) -> None:
        if self._entered:
            super().__enter__()
        self._entered = True  # the first time, the constructor has done it

    def __call__(self, function: F) -> F:
        self.__exit__()  # a decorator switches inside the function only
        return super().__call__(function)
