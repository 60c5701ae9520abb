"""Rows of the net: the methods of modules, containers, optimizers and schedules, and files."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from recipes import ABSENT, FLAGS, TYPES, DType, Make, T
from rows import Row, named, program, row
from table_optim import _optimizer


def model(t: Any) -> Any:
    """A module with children, shared parameters, buffers that are saved and that are not, and a name that is None."""

    class Inner(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = t.nn.Parameter(t.tensor([1.5, -2.0]))
            self.register_buffer("seen", t.tensor(3))
            self.register_buffer("hidden", t.ones(2), persistent=False)
            self.register_parameter("nothing", None)

        def forward(self, x: Any, factor: float = 1.0) -> Any:
            return x * self.scale * factor

        def extra_repr(self) -> str:
            return "two"

    class Outer(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = t.nn.Linear(3, 2)
            self.inner = Inner()
            self.again = self.inner
            self.tied = self.fc.weight
            self.parts = t.nn.ModuleList([t.nn.Tanh(), t.nn.Dropout(0.5)])

        def forward(self, x: Any, factor: float = 1.0) -> Any:
            return self.parts[0](self.inner(self.fc(x), factor=factor))

    return Outer()


def _method(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """What a method of a module gives, and the module after it."""
    made = model(t)
    found = getattr(made, path.rpartition(".")[2])(*args, **keywords)
    if found is made:
        found = "itself"
    elif isinstance(found, t.nn.Module):
        found = repr(found)
    elif not isinstance(found, (t.Tensor, tuple, list, dict, str, bool, int, float, type(None))):
        found = [item if isinstance(item, t.Tensor) else _plain(t, item) for item in found]
    elif isinstance(found, dict):
        found = dict(found)
    modes = [(name, module.training) for name, module in made.named_modules()]
    return (
        found,
        repr(made),
        dict(made.state_dict()),
        modes,
        [(n, p.requires_grad, p.dtype) for n, p in made.named_parameters()],
    )


def _plain(t: Any, item: Any) -> Any:
    if isinstance(item, tuple):
        return [value if isinstance(value, (str, t.Tensor)) else type(value).__name__ for value in item]
    return type(item).__name__


def methods(*names: str, **parameters: Any) -> list[Row]:
    return row(*(f"nn.Module.{name}" for name in names), run=_method, **parameters)


PREFIX = [ABSENT, "", "a", "a."]
TARGET = ["fc.weight", "fc", "inner.scale", "", "fc.", "no", "fc.no", "parts.0", "again.scale", "inner.seen", 3, None]
NAMES = ["new", "", "a.b", "fc", "forward", 3, "training", None, "inner"]
ROWS: list[Row] = [
    *methods("modules", remove_duplicate=named(*FLAGS)),
    *methods("children", "named_children", "cpu", "double", "float", "eval", "extra_repr"),
    *methods("parameters", "buffers", recurse=[ABSENT, True, False]),
    *methods("named_parameters", "named_buffers", prefix=PREFIX, recurse=[ABSENT, True, False],
         remove_duplicate=[ABSENT, True, False]),
    *methods("named_modules", memo=[ABSENT, None], prefix=PREFIX, remove_duplicate=[ABSENT, True, False]),
    *methods("get_submodule", target=["fc", *TARGET]),
    *methods("get_parameter", target=TARGET),
    *methods("get_buffer", target=["inner.seen", "again.seen", "inner.hidden", *TARGET]),
    *methods("set_submodule", target=["fc", "parts.0", "new", "inner.new", "", "fc.weight", "no.new", 3],
             module=[Make("Tanh", lambda t: t.nn.Tanh()), None, 3], strict=[ABSENT, False, True]),
    *methods("type", dst_type=[*TYPES[2:7], "x"]),
    *methods("state_dict", prefix=named(*PREFIX), keep_vars=named(*FLAGS)),
    *methods("train", mode=[ABSENT, True, False, 1, None]),
    *methods("requires_grad_", requires_grad=[ABSENT, True, False]),
    *methods("zero_grad", set_to_none=FLAGS),
    *methods("to", dtype=[DType("float64"), DType("float32"), DType("int64"), "cpu", "nowhere", None, T((), "float64"),
         1], non_blocking=named(*FLAGS)),
    *methods("to", device=named("cpu", None, "nowhere"), dtype=named(*TYPES)),
    *methods("add_module", "register_module", name=NAMES, module=[Make("Tanh", lambda t: t.nn.Tanh()), None, 3, "x"]),
    *methods("register_parameter", name=NAMES, param=[Make("Parameter", lambda t: t.nn.Parameter(t.ones(2))), None,
         T(grad=""), 3, T()]),
    *methods("register_buffer", name=NAMES, tensor=[T(grad=""), None, 3, T()], persistent=[ABSENT, True, False]),
]  # fmt: skip


def _states(t: Any, change: str) -> Any:
    state = {name: value.clone() * 2 for name, value in model(t).state_dict().items()}
    if change == "missing":
        del state["fc.bias"]
    elif change == "unexpected":
        state["more"] = t.ones(1)
    elif change == "shape":
        state["fc.weight"], state["inner.scale"] = t.ones(2, 4), t.zeros(2)
    elif change == "dtype":
        state["fc.weight"] = t.ones(2, 3, dtype=t.float64) * 0.1
    elif change == "number":
        state["fc.weight"] = 3
    elif change == "list":
        state = list(state.items())
    return state


def _load(t: Any, path: str, state: str, **options: Any) -> Any:
    made = model(t)
    before = made.fc.weight
    try:
        found = made.load_state_dict(_states(t, state), **options)
        return (
            list(found.missing_keys),
            list(found.unexpected_keys),
            repr(found),
            dict(made.state_dict()),
            made.fc.weight is before,
        )
    except Exception as error:
        return (
            type(error).__name__,
            str(error).split("\n")[1:] if state != "number" else "",
            made.inner.scale,
            made.fc.weight,
        )


def _hooks(t: Any, path: str, change: bool, **options: Any) -> Any:
    made, seen = t.nn.Linear(3, 2), []

    def before(module: Any, args: Any, keywords: Any = None) -> Any:
        seen.append(["pre", type(module).__name__, len(args), sorted(keywords or ())])
        if change:
            return (args[0] * 2,) if keywords is None else ((args[0] * 2,), keywords)
        return None

    def after(module: Any, args: Any, *rest: Any) -> Any:
        seen.append(["post", type(module).__name__, len(args), len(rest)])
        return rest[-1] * 2 if change else None

    handle = getattr(made, path.rpartition(".")[2])(before if "pre" in path else after, **options)
    other = made.register_forward_pre_hook(lambda module, args: seen.append(["second"]))
    x = t.ones(2, 3)
    outs = [made(x)]
    try:
        made(t.ones(2, 5))
    except RuntimeError:
        seen.append(["error"])
    handle.remove()
    other.remove()
    return [*outs, made(x), seen]


ROWS += program(
    "nn.Module.load_state_dict",
    run=_load,
    state=["same", "missing", "unexpected", "shape", "dtype", "number", "list"],
    strict=FLAGS,
    assign=FLAGS,
)
ROWS += program(
    "nn.Module.register_forward_hook",
    run=_hooks,
    change=[False, True],
    prepend=FLAGS,
    with_kwargs=FLAGS,
    always_call=FLAGS,
)
ROWS += program(
    "nn.Module.register_forward_pre_hook", run=_hooks, change=[False, True], prepend=FLAGS, with_kwargs=FLAGS
)
ROWS += program("nn.Module.apply", "nn.Module.forward", "nn.Module", run=lambda t, path: _applied(t))
ROWS += program(
    "nn.Module.cuda", "Tensor.cuda", "nn.utils.rnn.PackedSequence.cuda", run=lambda t, path: t.cuda.is_available()
)


def _applied(t: Any) -> Any:
    made, seen = model(t), []
    found = made.apply(lambda module: seen.append(type(module).__name__))
    try:
        t.nn.Module().forward(1)
    except NotImplementedError as error:
        seen.append(str(error))
    return found is made, seen, made(t.ones(2, 3), factor=2.0), hasattr(made, "nothing"), made.inner.nothing


def _state_hooks(t: Any, path: str, fails: bool) -> Any:
    """A module with a state beside its tensors, and every hook around saving and loading: what is called when."""
    seen: list[Any] = []

    class Counter(t.nn.Linear):
        extra = 3

        def get_extra_state(self) -> Any:
            return {"extra": self.extra}

        def set_extra_state(self, state: Any) -> None:
            seen.append(["set", state])
            self.extra = state["extra"]

    outer = t.nn.Sequential(t.nn.Tanh(), Counter(2, 1))
    made = outer[1]
    handles = [
        made.register_state_dict_pre_hook(lambda module, prefix, keep: seen.append(["before", prefix, keep])),
        made.register_state_dict_post_hook(lambda module, state, prefix, meta: seen.append(["after", sorted(state)])),
        made.register_load_state_dict_pre_hook(lambda module, state, prefix, *rest: seen.append(["load", prefix])),
        made.register_load_state_dict_post_hook(lambda module, keys: seen.append(["loaded", list(keys.missing_keys)])),
    ]
    state = outer.state_dict()
    state["1._extra_state"]["extra"] = 7
    if fails:
        del state["1._extra_state"]
    try:
        outer.load_state_dict(state)
    except RuntimeError as error:
        seen.append(str(error).split("\n")[1:])
    for handle in handles:
        handle.remove()
    outer.load_state_dict(outer.state_dict())
    return seen, made.extra, sorted(state)


ROWS += program(
    *(f"nn.Module.{way}_extra_state" for way in ("get", "set")),
    *(f"nn.Module.register_{way}_{when}_hook" for way in ("state_dict", "load_state_dict") for when in ("pre", "post")),
    run=_state_hooks,
    fails=[False, True],
)


def _parts(t: Any) -> list[Any]:
    return [t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)]


def _container(t: Any, path: str, do: str) -> Any:
    """A line of a user's, with `c` the container of three modules; what it is and computes afterwards."""
    make = {"nn.Sequential": lambda parts: t.nn.Sequential(*parts), "nn.ModuleList": t.nn.ModuleList}[path]
    c = make(_parts(t))
    scope = {"c": c, "t": t, "nn": t.nn, "new": t.nn.Sigmoid(), "more": make([t.nn.ReLU()])}
    found = eval(do, scope) if not do.startswith("exec ") else exec(do[5:], scope)
    c = scope["c"]
    shown = (
        repr(found)
        if isinstance(found, t.nn.Module)
        else found
        if isinstance(found, (bool, int, list, type(None)))
        else type(found).__name__
    )
    out = c(t.ones(2, 3)) if path == "nn.Sequential" else [type(m).__name__ for m in c]
    return shown, repr(c), list(c.state_dict()), out


LINES = [
    "len(c)", "c[0]", "c[-1]", "c[0:2]", "c[5]", "c[-4]", "c['0']", "list(iter(c)) == [c[0], c[1], c[2]]",
         "c.append(new) is c", "c.extend([new]) is c", "c.insert(1, new)", "c.insert(0, new)", "c.insert(-1, new)",
         "c.insert(9, new)",
    "c.append(3)", "c.extend(3)", "c.extend([3])", "c + more", "c + [1]", "c * 2", "2 * c", "c * 0", "c * 1.5",
         "c.pop(1)", "c.pop(-1)", "c.pop(9)", "exec c[1] = new", "exec c[-1] = t.nn.Linear(4, 1)", "exec c[9] = new",
         "exec c[1] = 3", "exec del c[1]", "exec del c[-1]", "exec del c[0:2]", "exec del c[9]",
    "exec c += more", "exec c *= 2", "new in c", "c[1] in c", "bool(c)", "c == c", "repr(type(c)(  ))",
]  # fmt: skip
ROWS += program("nn.Sequential", "nn.ModuleList", run=_container, do=LINES)
ROWS += program("nn.Sequential", run=lambda t, path, parts: (lambda c: (repr(c),
     list(c.state_dict())))(t.nn.Sequential(*parts(t))), parts=[
    Make("()", lambda t: lambda t: []), Make("dict",
         lambda t: lambda t: [__import__("collections").OrderedDict(a=t.nn.Tanh(), b=t.nn.ReLU())]), Make("list",
         lambda t: lambda t: [[t.nn.Tanh()]]), Make("3", lambda t: lambda t: [3]), Make("None",
         lambda t: lambda t: [None])])  # fmt: skip


# ---- optimizers and schedules


def _groups(t: Any, path: str, group: str) -> Any:
    optimizer = _optimizer(t, 0.1)
    held = optimizer.param_groups[0]["params"][0]
    new = t.nn.Parameter(t.ones(4))
    added = {
        "new": {"params": [new]}, "one": {"params": new, "lr": 0.3}, "held": {"params": [held]},
             "empty": {"params": []}, "none": {}, "set": {"params": {new}},
        "number": {"params": [1.0]}, "twice": {"params": [new, new]}, "list": [new],
             "generator": {"params": (p for p in [new])}, "history": {"params": [new * 2]}, "unknown": {"params": [new],
             "more": 1},
    }[group]  # fmt: skip
    optimizer.add_param_group(added)
    return (
        repr(optimizer),
        [len(g["params"]) for g in optimizer.param_groups],
        sorted(optimizer.param_groups[-1]),
        optimizer.state_dict()["param_groups"],
    )


def _step(t: Any, path: str, closure: bool, set_to_none: Any) -> Any:
    optimizer = _optimizer(t, 0.1)
    parameters = [p for g in optimizer.param_groups for p in g["params"]]

    def loss() -> Any:
        optimizer.zero_grad(**({} if set_to_none is ABSENT else {"set_to_none": set_to_none}))
        found = sum((p * p).sum() for p in parameters[:1])
        found.backward()
        return found

    first = None if closure else loss()
    returned = optimizer.step(loss) if closure else optimizer.step()
    after = [p.grad for p in parameters]
    optimizer.zero_grad()
    first, returned = (x if x is None else x.item() for x in (first, returned))
    return first, returned, after, [p.grad for p in parameters], parameters, len(optimizer.state)


def _loaded(t: Any, path: str, change: str) -> Any:
    optimizer, other = _optimizer(t, 0.1), _optimizer(t, 1.0)
    for p in (p for g in optimizer.param_groups for p in g["params"]):
        p.grad = t.ones_like(p)
    optimizer.step()
    state = optimizer.state_dict()
    if change == "groups":
        state["param_groups"] = state["param_groups"][:1]
    elif change == "sizes":
        state["param_groups"][0]["params"] = [0, 5]
    elif change == "missing":
        del state["state"]
    elif change == "dtype":
        state["state"][0]["momentum_buffer"] = state["state"][0]["momentum_buffer"].double()
    elif change == "shape":
        state["state"][0]["momentum_buffer"] = t.ones(5)
    elif change == "empty":
        state["state"] = {}
    returned = other.load_state_dict(state)
    return returned, other.state_dict()


def _scheduled(t: Any, path: str, epoch: Any, wrong_order: bool) -> Any:
    optimizer = _optimizer(t, 0.1)
    scheduler = t.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    rates = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            if not wrong_order:
                optimizer.step()
            scheduler.step(*(() if epoch is ABSENT else (epoch,)))
            rates.append((scheduler.get_last_lr(), scheduler.last_epoch))
    state = scheduler.state_dict()
    return rates, state, [(w.category.__name__, str(w.message)[:60]) for w in caught], scheduler.base_lrs


ROWS += program(
    "optim.Optimizer.add_param_group",
    run=_groups,
    group=["new", "one", "held", "empty", "none", "set", "number", "twice", "list", "generator", "history", "unknown"],
)
ROWS += program(
    "optim.Optimizer.step",
    "optim.Optimizer.zero_grad",
    "optim.Optimizer",
    run=_step,
    closure=[False, True],
    set_to_none=[True, False],
)
ROWS += program(
    "optim.Optimizer.load_state_dict",
    "optim.Optimizer.state_dict",
    run=_loaded,
    change=["", "groups", "sizes", "missing", "dtype", "shape", "empty"],
)
ROWS += program(
    *(
        "optim.lr_scheduler.LRScheduler" + name
        for name in ("", ".step", ".get_last_lr", ".get_lr", ".state_dict", ".load_state_dict")
    ),
    run=_scheduled,
    epoch=[None, 0, 5, 3, "x"],
    wrong_order=[False, True],
)

# ---- files


def _filed(t: Any, path: str, thing: Any) -> Any:
    buffer = io.BytesIO()
    t.save(thing(t), buffer)
    buffer.seek(0)
    return t.load(buffer)


THINGS = {
    "state": lambda t: dict(model(t).state_dict()), "strided": lambda t: t.tensor(np.arange(6.0)).reshape(2, 3).t(),
         "step": lambda t: t.tensor(np.arange(6.0))[::2], "number": lambda t: {"a": 1, "b": [0.1, True, None, "x",
         2**70], "c": (1, 2)},
    "shared": lambda t: (lambda x: [x, x[1:], x])(t.tensor([1.0, 2.0, 3.0])), "empty": lambda t: t.zeros(0, 3),
         "scalar": lambda t: t.tensor(0.1, dtype=t.float64), "bool": lambda t: t.tensor([True, False]),
         "int": lambda t: t.tensor([2**53 + 1]),
    "grad": lambda t: t.tensor([1.0], requires_grad=True), "parameter": lambda t: t.nn.Parameter(t.ones(2)),
         "expanded": lambda t: t.ones(1, 3).expand(2, 3), "optimizer": lambda t: _optimizer(t, 0.1).state_dict(),
         "size": lambda t: t.zeros(2, 3).shape,
    "bytes": lambda t: b"ab", "complex": lambda t: 1j, "set": lambda t: {1, 2}, "dtype": lambda t: t.float64,
         "device": lambda t: str(t.device("cpu")),
}  # fmt: skip
ROWS += program(
    "save", "load", run=_filed, thing=[Make(name, lambda t, f=function: f) for name, function in THINGS.items()]
)


# ---- the generator and sizes

ROWS += program(
    "Generator.manual_seed",
    "Generator.initial_seed",
    run=lambda t, path, seed: (lambda g: (g.manual_seed(seed).initial_seed(), t.rand(2)))(t.manual_seed(1)),
    seed=[3, 0, 2**40, 2**64, -1, "x", 1.5],
)
ROWS += program(
    "Size.numel",
    "Size.count",
    "Size.index",
    run=lambda t, path, shape: (lambda s: (s.numel(), s.count(2), s.index(2)))(t.zeros(*shape).shape),
    shape=[(2, 3), (2, 2), (0, 2), (2,), (3,)],
)
