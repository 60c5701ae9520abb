"""Modules made of modules: in sequence, or in a list."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import Any, TypeVar, overload

from .module import Module
from .registry import check_module

Self = TypeVar("Self", bound="_Numbered")


class _Numbered(Module):
    """Children that are addressed by position; in `state_dict()` the position is their name."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self: Self, index: slice) -> Self: ...

    @overload
    def __getitem__(self, index: int) -> Any: ...

    def __getitem__(self: Self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._part(dict(list(self._modules.items())[index]))
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            for name in list(self._modules)[index]:
                del self._modules[name]
        else:
            del self._modules[self._name_at(index)]
        self._renumber(list(self))

    def _part(self: Self, modules: dict[str, Module]) -> Self:
        raise NotImplementedError

    def _name_at(self, index: int) -> str:
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[number]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def append(self: Self, module: Module) -> Self:
        """Add `module` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Add all of `modules` at the end, or none if one is no module."""
        given = list(modules)
        for module in given:
            check_module(module)
        for module in given:
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take out what is at `key` and return it."""
        found = self[key]
        del self[key]
        return found


class Sequential(_Numbered):
    """Modules that are called one after the other, each with what the one before returned.

    Takes the modules, or one OrderedDict that names them.

    >>> import numbarnn, numbarnn.nn as nn
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    >>> model
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Tanh()
    )
    >>> tuple(model(numbarnn.ones(5, 3)).shape)
    (5, 2)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        for name, module in args[0].items() if named else zip(map(str, range(len(args))), args, strict=True):
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def _part(self, modules: dict[str, Module]) -> Sequential:
        return type(self)(OrderedDict(modules))

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Add all of `sequential` at the end, or none if one is no module."""
        return super().extend(sequential)

    def insert(self, index: int, module: Module) -> Sequential:
        """Add `module` before position `index`, which a Sequential of named modules has none of."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        children = list(self)
        for number in range(len(children)):
            if str(number) not in self._modules:
                raise KeyError(str(number))
        children.insert(index, module)
        self._renumber(children)
        return self

    def __add__(self, other: Any) -> Sequential:
        return Sequential(*self, *_summand(other))

    def __iadd__(self, other: Any) -> Sequential:
        return self.extend(_summand(other))

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*_times(self, other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        return self.extend(_times(self, other)[len(self) :])


def _summand(other: Any) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
    return other


def _times(modules: Sequential, factor: int) -> list[Module]:
    if not isinstance(factor, int):
        raise TypeError(f"unsupported operand type(s) for *: {type(modules)} and {type(factor)}")
    if factor <= 0:
        raise ValueError(f"Non-positive multiplication factor {factor} for {type(modules)}")
    return list(modules) * factor


class ModuleList(_Numbered):
    """A list of modules; unlike those in a plain list, their parameters are found.  It has no `forward`.

    >>> import numbarnn.nn as nn
    >>> nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    ModuleList(
      (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add all of `modules` at the end."""
        if not isinstance(modules, Iterable):
            got = type(modules).__name__
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {got}")
        return super().extend(modules)

    __iadd__ = extend

    def insert(self, index: int, module: Module) -> None:
        """Add `module` before position `index`."""
        check_module(module)
        children = list(self)
        children.insert(index, module)
        self._renumber(children)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def _part(self, modules: dict[str, Module]) -> ModuleList:
        return type(self)(modules.values())

    def __repr__(self) -> str:
        return self._layout(self._runs)

    def _runs(self) -> list[str]:
        """Each child, and those that are alike in one line."""
        lines = []
        for text, run in groupby(enumerate(map(repr, self)), key=lambda pair: pair[1]):
            numbers = [number for number, _ in run]
            first, count = numbers[0], len(numbers)
            lines.append(f"({first}): {text}" if count == 1 else f"({first}-{numbers[-1]}): {count} x {text}")
        return lines
