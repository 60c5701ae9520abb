"""Without NumPy's floating-point warnings: as in torch, infinities and NaN speak for themselves.

NumPy keeps what it warns of in a variable of the context (since 2.0), so contexts in which nothing is warned of are
made once and used again.  To call a function in one takes 0.1 us, `np.errstate` around it 0.8.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

#: not in use at the moment: a context can be entered once at a time, by any thread
_spare: list[Context] = []


def _new_context() -> Context:
    context = Context()
    context.run(np.seterr, all="ignore")
    return context


def _in_context(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    try:
        context = _spare.pop()
    except IndexError:
        context = _new_context()
    try:
        return context.run(function, *args, **kwargs)
    finally:
        _spare.append(context)


def _with_errstate(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    with np.errstate(all="ignore"):
        return function(*args, **kwargs)


#: quietly(function, *args, **kwargs): the function is not to call anything of the user's, whose context variables have
#: no values in it.  Before NumPy 2 the setting is one of the thread.
quietly = _with_errstate if np.lib.NumpyVersion(np.__version__) < "2.0.0" else _in_context
