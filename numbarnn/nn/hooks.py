"""Functions that a module calls before and after its `forward`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..autograd.hook_handle import RemovableHandle
from .registry import Registry


class Hooks(Registry):
    """Calling a module: its `forward`, between what its hooks make of the arguments and of the result."""

    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns, if anything, replaces the arguments.

        `with_kwargs`: `hook(module, args, kwargs)`, which may return both.  `prepend`: before those that are there.
        """
        marks = (self._forward_pre_hooks_with_kwargs,) if with_kwargs else ()
        return RemovableHandle(self._forward_pre_hooks, hook, prepend, marks)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns, if anything, is the output.

        `with_kwargs`: `hook(module, args, kwargs, output)`.  `always_call`: also after an exception, with the output as
        far as there is one; what such a call raises is then a warning.
        """
        marks = (self._forward_hooks_with_kwargs,) * with_kwargs + (self._forward_hooks_always_called,) * always_call
        return RemovableHandle(self._forward_hooks, hook, prepend, marks)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_hooks or self._forward_pre_hooks:
            return _Call(self, args, kwargs).run()
        return self.forward(*args, **kwargs)


class _Call:
    """One call of a module that has hooks."""

    def __init__(self, module: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs, self.result = module, args, kwargs, None
        self.begun: set[int] = set()  # hooks that were called

    def run(self) -> Any:
        module = self.module
        try:
            for number, hook in list(module._forward_pre_hooks.items()):
                self.before(hook, number in module._forward_pre_hooks_with_kwargs)
            self.result = module.forward(*self.args, **self.kwargs)
            for number, hook in list(module._forward_hooks.items()):
                self.after(number, hook)
        except Exception:
            for number, hook in list(module._forward_hooks.items()):
                if number in module._forward_hooks_always_called and number not in self.begun:
                    try:
                        self.after(number, hook)
                    except Exception as error:
                        warnings.warn(
                            "module forward hook with ``always_call=True`` raised an exception that was silenced as "
                            f"another error was raised in forward: {error}",
                            stacklevel=3,
                        )
            raise
        return self.result

    def before(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        if not with_kwargs:
            changed = hook(self.module, self.args)
            if changed is not None:
                self.args = changed if isinstance(changed, tuple) else (changed,)
            return
        changed = hook(self.module, self.args, self.kwargs)
        if changed is not None:
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed

    def after(self, number: int, hook: Callable[..., Any]) -> None:
        self.begun.add(number)
        with_kwargs = number in self.module._forward_hooks_with_kwargs
        given = (self.args, self.kwargs, self.result) if with_kwargs else (self.args, self.result)
        changed = hook(self.module, *given)
        if changed is not None:
            self.result = changed
