"""Cliffs: shapes that cost more for each operation than those a little smaller or larger.

What two shapes are compared by is the cost of one operation, and "cost" leaves two things out that are no fault of
a shape:

- The fixed cost of a call, which is most of the time of a tiny shape: the least time of any shape of the same model.
  It is taken off before times become costs and put back on before they are compared.  So nothing is found in noise
  around it, while a call that costs half as much again as all others is.
- Memory.  Where weights outgrow a cache, a few sequences have to wait for it at every step and all larger shapes do
  as well.  A shape that reads at more than 1 / LIMIT of the measured bandwidth, for weights of its size, is no cliff.

Neighbours are the next smaller and the next larger size along one axis, everything else being equal.  Costs between
two sizes follow powers of the size (1 / H while a panel is not full, 1 / T while a call dominates), so the two are
interpolated in the logarithms of size and cost.  And a larger shape never has a right to cost more than a smaller
one: of a step upwards that stays up, the interpolation between its two sides would hide half, therefore the smaller
neighbour's cost is expected where that is less.  The first size of an axis has no smaller one and is not judged along
it.  Each axis is judged alone: a whole plane of slow shapes (all batches at one H) has slow neighbours but in one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from .shapes import FLOAT_BYTES, FORWARD

#: how many times the expected time is too much
LIMIT = 1.5
#: operations of one forward pass beyond which fewer steps are run: some ten milliseconds
MOST_OPERATIONS = 2e9
_ORDER = {"tanh": 1.0, "relu": 2.0}


class Spot(NamedTuple):
    """A place in the grid: a model and its input.  Every field is an axis along which spots have neighbours."""

    B: int
    T: int
    H: int
    ratio: float = 1.0  # I / H
    layers: int = 1
    directions: int = 1
    nonlinearity: str = "tanh"

    def __str__(self) -> str:
        text = f"B {self.B} T {self.T} I {self.inputs} H {self.H}"
        text += f" layers {self.layers}" if self.layers > 1 else ""
        text += " both directions" if self.directions > 1 else ""
        return text if self.nonlinearity == "tanh" else f"{text} {self.nonlinearity}"

    @property
    def inputs(self) -> int:
        return max(1, round(self.ratio * self.H))

    @property
    def _input_weights(self) -> int:
        """Elements of W_ih in all layers and directions."""
        return self.directions * self.H * (self.inputs + (self.layers - 1) * self.directions * self.H)

    @property
    def _state_weights(self) -> int:
        """Elements of W_hh in all layers and directions."""
        return self.directions * self.layers * self.H * self.H

    @property
    def steps(self) -> int:
        """T, or as many as MOST_OPERATIONS allows: a step costs the same in a long sequence and in a longer one."""
        each = 2.0 * self.B * (self._input_weights + self._state_weights)
        return min(self.T, max(1, int(MOST_OPERATIONS / each)))

    def operations(self, name: str) -> float:
        """Multiplications and additions: forward has one product with each weight, training three."""
        forward = 2.0 * self.B * self.steps * (self._input_weights + self._state_weights)
        return forward if name == FORWARD else 3 * forward

    def bytes_moved(self, name: str) -> float:
        """Bytes of weights read at least: W_ih once, W_hh at every step; in training twice, and gradients written."""
        forward = float(FLOAT_BYTES * (self.steps * self._state_weights + self._input_weights))
        gradients = 2.0 * FLOAT_BYTES * (self._state_weights + self._input_weights)
        return forward if name == FORWARD else 2 * forward + gradients


class Cliff(NamedTuple):
    """A spot that takes `factor` times as long as its neighbours along `axis` make one expect."""

    spot: Spot
    axis: str
    factor: float
    seconds: float
    neighbours: tuple[Spot, ...]  # the smaller one first


def position(spot: Spot, axis: str) -> float:
    """Where along an axis a spot lies."""
    value = spot.steps if axis == "T" else getattr(spot, axis)
    return _ORDER[value] if isinstance(value, str) else float(value)


def neighbours(spot: Spot, axis: str, lines: Mapping[object, list[Spot]]) -> tuple[Spot | None, Spot | None]:
    """The next smaller and the next larger spot along an axis; None beyond its ends."""
    line = lines[_line(spot, axis)]
    i = line.index(spot)
    return line[i - 1] if i > 0 else None, line[i + 1] if i + 1 < len(line) else None


def _line(spot: Spot, axis: str) -> object:
    """What all spots along an axis through this one have in common."""
    return axis, *(value for field, value in zip(Spot._fields, spot, strict=True) if field != axis)


def lines_of(spots: Mapping[Spot, float]) -> dict[object, list[Spot]]:
    """The spots along each axis through each of them, in order."""
    lines: dict[object, list[Spot]] = {}
    for axis in Spot._fields:
        for spot in sorted(spots, key=lambda s: position(s, axis)):
            lines.setdefault(_line(spot, axis), []).append(spot)
    return lines


def fixed_costs(times: Mapping[Spot, float]) -> dict[Spot, float]:
    """For each spot the least time of all spots of the same model."""
    least: dict[object, float] = {}
    for spot, seconds in times.items():
        least[spot[4:]] = min(seconds, least.get(spot[4:], math.inf))
    return {spot: least[spot[4:]] for spot in times}


def expected_cost(spot: Spot, axis: str, smaller: Spot, larger: Spot | None, costs: Mapping[Spot, float]) -> float:
    """What one operation may cost, from one or two neighbours."""
    if larger is None:
        return costs[smaller]
    low, here, high = (math.log(position(s, axis)) for s in (smaller, spot, larger))
    share = (here - low) / (high - low)
    between: float = costs[smaller] ** (1 - share) * costs[larger] ** share
    return min(costs[smaller], between)


def find(times: Mapping[Spot, float], name: str, bandwidth: Mapping[int, float], limit: float = LIMIT) -> list[Cliff]:
    """All cliffs in the seconds of one pass, the worst first, each along its worst axis.

    bandwidth: bytes a second for weights of an H; without an entry memory excuses nothing.
    """
    if not times:
        return []
    fixed, lines = fixed_costs(times), lines_of(times)
    # below the best cost of all there are only rounding and luck, and what is left of tiny shapes
    best = min(seconds / spot.operations(name) for spot, seconds in times.items())
    costs = {s: max((seconds - fixed[s]) / s.operations(name), best) for s, seconds in times.items()}
    found = []
    for spot, seconds in times.items():
        memory = spot.bytes_moved(name) / bandwidth.get(spot.H, math.inf)
        cliffs = []
        for axis in Spot._fields:
            smaller, larger = neighbours(spot, axis, lines)
            if smaller is not None:
                cost = expected_cost(spot, axis, smaller, larger, costs)
                expected = max(fixed[spot] + cost * spot.operations(name), memory)
                sides = (smaller,) if larger is None else (smaller, larger)
                cliffs.append(Cliff(spot, axis, seconds / expected, seconds, sides))
        worst = max(cliffs, key=lambda cliff: cliff.factor, default=None)
        if worst and worst.factor > limit:
            found.append(worst)
    return sorted(found, key=lambda cliff: -cliff.factor)
