"""Modules that write down which of their methods are called, in numbarnn and in torch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

#: what Module calls on itself and on those below it, and a subclass may define anew
METHODS = (
    "register_parameter", "register_buffer", "named_modules", "modules", "named_children", "children",
    "named_parameters", "parameters", "named_buffers", "buffers", "_named_members", "train", "eval", "requires_grad_",
    "zero_grad", "apply", "_apply", "state_dict", "_save_to_state_dict", "_load_from_state_dict", "get_extra_state",
    "set_extra_state", "extra_repr", "_get_name", "__repr__", "__getstate__", "__setstate__", "get_submodule",
    "forward",
)  # fmt: skip


def recording(lib: Any, log: list[str]) -> type:
    """A class of modules, of numbarnn or of torch, that add "label.method" to the log."""

    class Base(lib.nn.Module):
        def __init__(self, label: str, *children: Any) -> None:
            super().__init__()
            self.__dict__["label"] = label
            self.weight = lib.nn.Parameter(lib.ones(2))
            self.register_buffer("total", lib.zeros(1))
            self.count = 0
            for number, child in enumerate(children):
                self.add_module(f"part{number}", child)

        def get_extra_state(self) -> int:
            return self.count

        def set_extra_state(self, state: int) -> None:
            self.count = state

        def forward(self, x: Any) -> Any:
            return x

    def noting(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            log.append(f"{self.__dict__.get('label')}.{name}")
            return getattr(Base, name)(self, *args, **kwargs)

        return method

    made: type = type("Recording", (Base,), {name: noting(name) for name in METHODS if hasattr(Base, name)})
    made.__module__, made.__qualname__ = __name__, "Recording"
    return made


def tree(lib: Any, log: list[str]) -> Any:
    make = recording(lib, log)
    globals()["Recording"] = make  # where pickle looks for it
    model = make("root", make("left", make("leaf")), make("right"))
    log.clear()
    return model


#: what is done with a model of either library
ACTIONS = {
    "train": lambda lib, m: m.train(),
    "eval": lambda lib, m: m.eval(),
    "requires_grad_": lambda lib, m: m.requires_grad_(False),
    "zero_grad": lambda lib, m: m.zero_grad(),
    "zero_grad to zeros": lambda lib, m: m.zero_grad(set_to_none=False),
    "apply": lambda lib, m: m.apply(lambda part: None),
    "float": lambda lib, m: m.float(),
    "double": lambda lib, m: m.double(),
    "type": lambda lib, m: m.type(lib.float64),
    "to a type": lambda lib, m: m.to(lib.float64),
    "to a device": lambda lib, m: m.to("cpu"),
    "cpu": lambda lib, m: m.cpu(),
    "parameters": lambda lib, m: list(m.parameters()),
    "named_parameters": lambda lib, m: list(m.named_parameters()),
    "own parameters": lambda lib, m: list(m.parameters(recurse=False)),
    "buffers": lambda lib, m: list(m.buffers()),
    "modules": lambda lib, m: list(m.modules()),
    "children": lambda lib, m: list(m.children()),
    "state_dict": lambda lib, m: m.state_dict(),
    "load_state_dict": lambda lib, m: m.load_state_dict(m.state_dict()),
    "load_state_dict with assign": lambda lib, m: m.load_state_dict(m.state_dict(), assign=True),
    "repr": lambda lib, m: repr(m),
    "call": lambda lib, m: m(lib.ones(2)),
    "set a parameter": lambda lib, m: setattr(m, "weight", lib.nn.Parameter(lib.zeros(2))),
    "set a parameter to None": lambda lib, m: setattr(m, "weight", None),
    "set a buffer": lambda lib, m: setattr(m, "total", lib.zeros(2)),
    "get_parameter": lambda lib, m: m.get_parameter("part0.part0.weight"),
    "get_buffer": lambda lib, m: m.get_buffer("part0.total"),
    "copy": lambda lib, m: copy.copy(m),
    "deepcopy": lambda lib, m: copy.deepcopy(m),
    "pickle": lambda lib, m: pickle.loads(pickle.dumps(m)),
}


def calls(lib: Any, action: str) -> list[str]:
    """What is called, in order, while it is done."""
    log: list[str] = []
    model = tree(lib, log)
    ACTIONS[action](lib, model)
    return log
