"""Whether operations are recorded: a switch per thread, and the context managers that set it."""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _State(NamedTuple):
    recording: bool  # enabled, and not in inference mode
    enabled: bool
    inference: bool


class _Mode(threading.local):
    now = _State(True, True, False)


_mode = _Mode()


def is_recording() -> bool:
    """Whether operations in this thread leave nodes."""
    return _mode.now[0]


def is_grad_enabled() -> bool:
    """Whether gradients are switched on in this thread; within `inference_mode` nothing is recorded all the same.

    >>> is_grad_enabled()
    True
    """
    return _mode.now.enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`.

    >>> with inference_mode():
    ...     is_inference_mode_enabled()
    True
    """
    return _mode.now.inference


class _Switch:
    """A context manager, and a decorator, that sets the mode and restores the one before.

    A decorated function runs in the mode.  A decorated generator or coroutine does so each time it is resumed; while it
    is suspended, its caller has the caller's own mode.
    """

    _grad: bool
    _inference: bool | None = None  # None: unchanged

    def __new__(cls, function: Any = None) -> Any:
        switch = object.__new__(cls)
        if function is None or not callable(function):
            return switch
        switch.__init__()  # type: ignore[misc]  # used as a decorator without parentheses
        return switch(function)

    def __init__(self) -> None:
        self._before: list[_State] = []

    def __enter__(self) -> None:
        self._before.append(self._set())

    def __exit__(self, *exc: object) -> None:
        _mode.now = self._before.pop()

    def _set(self) -> _State:
        """Set the mode; returns the one before."""
        before = _mode.now
        inference = before.inference if self._inference is None else self._inference
        _mode.now = _State(self._grad and not inference, self._grad, inference)
        return before

    def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        before = self._set()  # not `with self`: several threads may run this at once
        try:
            return function(*args, **kwargs)
        finally:
            _mode.now = before

    def __call__(self, function: F) -> F:
        wrapper: Any
        if inspect.isgeneratorfunction(function):

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return (yield from _Steps(self, function(*args, **kwargs)).__await__())

        elif inspect.iscoroutinefunction(function):

            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                return await _Steps(self, function(*args, **kwargs))

        elif inspect.isasyncgenfunction(function):

            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                body = function(*args, **kwargs)
                resume = body.asend(None)
                while True:
                    try:
                        value = await _Steps(self, resume)
                    except StopAsyncIteration:
                        return
                    try:
                        resume = body.asend((yield value))
                    except GeneratorExit:
                        await _Steps(self, body.aclose())
                        raise
                    except BaseException as error:
                        resume = body.athrow(error)

        else:
            if inspect.isclass(function):
                warnings.warn(
                    "Decorating classes is deprecated: only the constructor runs in the mode, and the name stands for "
                    "a function. Decorate the methods that are to have it.",
                    FutureWarning,
                    stacklevel=2,
                )

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return self._run(function, *args, **kwargs)

        return functools.wraps(function)(wrapper)  # type: ignore[return-value]  # wraps() keeps the signature


class _Steps:
    """Awaits a generator or a coroutine, and sets the mode of `switch` each time that it is resumed."""

    def __init__(self, switch: _Switch, body: Any) -> None:
        self._switch, self._body = switch, body

    def __await__(self) -> Generator[Any, Any, Any]:
        body, run = self._body, self._switch._run
        resume, value = body.send, None
        while True:
            try:
                result = run(resume, value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = body.send, (yield result)
            except GeneratorExit:
                run(body.close)
                raise
            except BaseException as error:
                resume, value = body.throw, error


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
    """`no_grad` that `enable_grad` does not undo: layers may skip all that only training needs.

    `inference_mode(False)` inside of it switches it off again, as in torch.

    >>> with inference_mode():
    ...     is_grad_enabled(), is_inference_mode_enabled()
    (False, True)
    """

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
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

    def __new__(cls, mode: bool) -> Any:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'mode' must be bool, not {type(mode).__name__}")
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        self._grad = mode
        self._made_in = self._set()

    def __enter__(self) -> None:
        self._set()

    def __exit__(self, *exc: object) -> None:
        _mode.now = self._made_in  # as in torch: the mode before this object was made

    def __call__(self, function: F) -> F:
        self.__exit__()  # a decorator switches inside the function only
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"numbarnn.set_grad_enabled(mode={self._grad})"
