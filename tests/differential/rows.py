"""A row of the net: a public name, its parameters with the values to try, and how the two libraries run it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from recipes import ABSENT, Star, T


@dataclass(frozen=True)
class Parameter:
    """Values to try, the usual one first; other names that torch takes; whether it can only be given by name."""

    values: Sequence[Any]
    also: tuple[str, ...] = ()
    by_name: bool = False


def named(*values: Any, also: Sequence[str] = ()) -> Parameter:
    """A parameter that can only be given by name."""
    return Parameter(values, tuple(also), True)


#: names that torch's parser takes beside the one in the signature
ALSO = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}


@dataclass(frozen=True)
class Case:
    """Arguments by the parameter that they are for, the name they are passed by, and how many go by position."""

    arguments: dict[str, Any]
    names: dict[str, str]
    positional: int
    #: parameters whose argument is not the usual one: of an error with one cause the type is compared
    changed: tuple[str, ...]

    def __repr__(self) -> str:
        shown = []
        for number, (name, value) in enumerate(self.arguments.items()):
            by_position = number < self.positional or isinstance(value, Star)
            shown.append(repr(value) if by_position else f"{self.names[name]}={value!r}")
        return f"({', '.join(shown)})"


def call(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """`t.path(*args, **keywords)`; of a method the first argument is the tensor itself."""
    owner, _, method = path.rpartition(".")
    if owner == "Tensor":
        first, *rest = args
        return getattr(first, method)(*rest, **keywords)
    function = t
    for name in path.split("."):
        function = getattr(function, name)
    return function(*args, **keywords)


def _rng(seed: int, path: str) -> np.random.Generator:
    return np.random.default_rng((seed, zlib.crc32(path.encode())))


@dataclass(frozen=True)
class Row:
    """`run(t, path, args, keywords)` gives what is compared; by default the result of the call."""

    path: str
    parameters: dict[str, Parameter]
    run: Callable[[Any, str, list[Any], dict[str, Any]], Any] = call
    #: how many tries one case is worth, for rows that are slow
    cost: int = 1
    #: relative tolerance of float32 and of float64
    close: tuple[float, float] = (3e-6, 1e-13)
    #: a few lines rather than one call
    program: bool = False

    def usual(self) -> Case:
        """The first value of each parameter: what torch must take, or the row tells nothing."""
        return self._case(
            {name: parameter.values[0] for name, parameter in self.parameters.items()}, _rng(0, self.path)
        )

    def singles(self, seed: int) -> Iterator[Case]:
        """Each value of each parameter, and each other name of it, beside the usual values of the rest."""
        usual, rng = self.usual().arguments, _rng(seed, self.path)
        complete = {name: usual.get(name, ABSENT) for name in self.parameters}
        for name, parameter in self.parameters.items():
            for value in parameter.values:
                yield self._case({**complete, name: value}, rng, changed=(name,))
            given = next((value for value in parameter.values if value is not ABSENT), ABSENT)
            for other in parameter.also:
                yield self._case({**complete, name: given}, rng, {name: other}, changed=(name,))

    def mixed(self, taken: dict[str, list[Any]], count: int, seed: int) -> Iterator[Case]:
        """`count` draws of all parameters at once, mostly of the values that torch took one by one."""
        rng = _rng(seed + 1, self.path)
        for _ in range(count // self.cost):
            chosen, changed = {}, []
            for name, parameter in self.parameters.items():
                luck, values = rng.random(), parameter.values
                if luck < 0.35:
                    values = values[:1]
                elif luck < 0.92 and taken.get(name):
                    values = taken[name]
                chosen[name] = values[rng.integers(len(values))]
                if chosen[name] is not parameter.values[0]:
                    changed.append(name)
            yield self._case(chosen, rng, changed=tuple(changed))

    def _case(
        self,
        chosen: dict[str, Any],
        rng: np.random.Generator,
        names: dict[str, str] | None = None,
        changed: tuple[str, ...] = (),
    ) -> Case:
        """Arguments up to a random one go by position, as far as the signature lets them."""
        given = {name: value for name, value in chosen.items() if value is not ABSENT}
        most = 0
        for name in chosen:
            if name not in given or self.parameters[name].by_name or name in (names or {}):
                break
            most += 1
        least = 0
        for number, name in enumerate(list(given)[:most]):
            if isinstance(given[name], Star) or (number == 0 and self.path.startswith("Tensor.")):
                least = number + 1
        positional = int(rng.integers(least, most + 1))
        passed = {name: (names or {}).get(name, name) for name in given}
        return Case(given, passed, positional, changed)


def row(*paths: str, run: Any = call, cost: int = 1, close: tuple[float, float] | None = None,
        **parameters: Any) -> list[Row]:  # fmt: skip
    """A row for each of `paths`, which have the same parameters."""
    found = {
        name: values if isinstance(values, Parameter) else Parameter(values) for name, values in parameters.items()
    }
    found = {
        name: Parameter(p.values, p.also or (ALSO.get(name, ()) if run is call else ()), p.by_name)
        for name, p in found.items()
    }
    return [Row(path, found, run, cost, close or Row.close) for path in paths]


def both(*names: str, **options: Any) -> list[Row]:
    """Rows for functions that are methods as well, whose first parameter is the tensor."""
    first, *_ = [name for name in options if name not in ("run", "cost", "close")]
    tensors = {first: [value for value in options[first] if isinstance(value, T)]}
    method = {name: value for name, value in options.items() if name != first}
    return [*row(*names, **options), *row(*(f"Tensor.{name}" for name in names), **tensors, **method)]


def seeded(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """The result, and a draw after it, which shows how much of the stream was used."""
    return call(t, path, args, keywords), t.rand(3)


def program(*paths: str, run: Callable[..., Any], **parameters: Any) -> list[Row]:
    """Rows that run a few lines, `run(t, path, **arguments)`, where the name is no function to call."""
    found = {name: named(*values) for name, values in parameters.items()}
    rows = row(*paths, run=lambda t, path, args, keywords: run(t, path, **keywords), **found)
    return [replace(each, program=True) for each in rows]


def first(args: list[Any], keywords: dict[str, Any]) -> Any:
    """The first argument of a call, by whichever way it is passed."""
    return args[0] if args else next(iter(keywords.values()))
