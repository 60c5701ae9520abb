"""A row of the net: a public name, its parameters with the values to try, and how the two libraries run it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
    #: at most one argument is not the usual one: then an error has one cause, and one type
    single: bool

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


@dataclass(frozen=True)
class Row:
    """`run(t, path, args, keywords)` gives what is compared; by default the result of the call."""

    path: str
    parameters: dict[str, Parameter]
    run: Callable[[Any, str, list[Any], dict[str, Any]], Any] = call
    #: parameters that belong to `run`, not to the name in torch
    own: tuple[str, ...] = ()
    #: how many tries one case is worth, for rows that are slow
    cost: int = 1
    #: relative tolerance of float32 and of float64
    close: tuple[float, float] = (3e-6, 1e-13)
    extra: Sequence[Case] = field(default=())

    def cases(self, count: int, seed: int) -> Iterator[Case]:
        """Each value of each parameter beside usual ones, then values drawn at random, `count` in all at most."""
        usual = {name: parameter.values[0] for name, parameter in self.parameters.items()}
        seen = set()
        for case in self._some(usual, count, np.random.default_rng((seed, zlib.crc32(self.path.encode())))):
            if repr(case) not in seen:
                seen.add(repr(case))
                yield case
        yield from self.extra

    def _some(self, usual: dict[str, Any], count: int, rng: np.random.Generator) -> Iterator[Case]:
        for name, parameter in self.parameters.items():
            for value in parameter.values:
                yield self._case({**usual, name: value}, rng, True)
            given = next((value for value in parameter.values if value is not ABSENT), ABSENT)
            for other in parameter.also:
                yield self._case({**usual, name: given}, rng, True, {name: other})
        alone = sum(len(parameter.values) for parameter in self.parameters.values())
        for _ in range(max(count // self.cost - alone, count // self.cost // 3)):
            chosen = {
                name: usual[name] if rng.random() < 0.3 else parameter.values[rng.integers(len(parameter.values))]
                for name, parameter in self.parameters.items()
            }
            different = sum(chosen[name] is not usual[name] for name in chosen)
            yield self._case(chosen, rng, different < 2)

    def _case(
        self, chosen: dict[str, Any], rng: np.random.Generator, single: bool, names: dict[str, str] | None = None
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
        return Case(given, passed, positional, single)


def row(*paths: str, run: Any = call, own: Sequence[str] = (), cost: int = 1, close: tuple[float, float] | None = None,
        **parameters: Any) -> list[Row]:  # fmt: skip
    """A row for each of `paths`, which have the same parameters."""
    found = {
        name: values if isinstance(values, Parameter) else Parameter(values) for name, values in parameters.items()
    }
    found = {
        name: Parameter(p.values, p.also or (ALSO.get(name, ()) if run is call else ()), p.by_name)
        for name, p in found.items()
    }
    return [Row(path, found, run, tuple(own), cost, close or Row.close) for path in paths]


def both(*names: str, **options: Any) -> list[Row]:
    """Rows for functions that are methods as well, whose first parameter is the tensor."""
    first, *_ = [name for name in options if name not in ("run", "own", "cost", "close")]
    tensors = {first: [value for value in options[first] if isinstance(value, T)]}
    method = {name: value for name, value in options.items() if name != first}
    return [*row(*names, **options), *row(*(f"Tensor.{name}" for name in names), **tensors, **method)]
