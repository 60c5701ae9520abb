"""Functions that a module calls before and after its `forward`."""

from __future__ import annotations

import itertools
from typing import Any

_numbers = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook off, as does leaving a `with` block."""

    def __init__(self, hooks: dict[int, Any], hook: Any, prepend: bool = False) -> None:
        self._hooks = hooks
        self.id = next(_numbers)
        before = dict(hooks) if prepend else {}
        if prepend:
            hooks.clear()
        hooks[self.id] = hook
        hooks.update(before)

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward`, with what its hooks make of the arguments and of the result.

    Each hook is stored with whether it is to be given keyword arguments too.
    """
    for hook, with_kwargs in list(module._forward_pre_hooks.values()):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    result = module.forward(*args, **kwargs)
    for hook, with_kwargs in list(module._forward_hooks.values()):
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result
