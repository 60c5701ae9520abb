"""How calls of one shape run: one step, on the thread that calls, or shared out by sequence, by column or by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..cells import tiles
from ..cells.cell import CELLS
from ..cells.passes import LayerBackward, Pass, Shape
from ..compile.jit import kernel
from ..product.packing import workspaces
from ..threads import dispatch
from ..threads.dispatch import Policy, run_parallel
from . import by_column, by_layer, by_sequence, gradients
from .projection import workspace_size
from .sharing import column_threads, layer_threads, operations
from .step import take, take_brief

#: floating-point operations that take a few microseconds: to let other threads run meanwhile costs more than it gives
BRIEF = 200_000
#: steps that are worth memory of their own in a stack without gradients: threads then share out columns at once
FEW_STEPS = 16


class Plan:
    """How passes of one shape run; made once for all calls of that shape.

    policy: what decides, in the place of that in use (threads/dispatch.py).
    """

    __slots__ = ("_choice", "_layered", "_policy", "operations", "shape", "step")

    def __init__(self, shape: Shape, policy: Policy | None = None) -> None:
        tiles.load(shape.cell, shape.dtype)
        self.shape, self._policy, self._layered = shape, policy, shape.layers > 1
        now = dispatch.policy() if policy is None else policy
        self.operations = operations(shape, now)
        one = shape.T == shape.directions == 1 and shape.R == shape.B and self.operations < now.serial_operations
        #: what takes a sequence of one step: all in all 3.6 us where the loop over time has 4.6
        self.step: Callable[..., None] | None = (take_brief if self.operations <= BRIEF else take) if one else None
        self._choice: tuple[Any, Any, int] | None = None

    @property
    def lower_layers(self) -> int:
        """Arrays (R, D H) that a pass without gradients needs for the layers below the last.

        0 where each layer writes over what it has read; it then copies what it reads (projection.py).
        """
        if self.step is not None or self.shape.T > FEW_STEPS:
            return 0
        return min(self.shape.layers - 1, 2)

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of `Pass.rows`; keep: for a backward pass."""
        kept = CELLS[self.shape.cell].kept
        if kept == 0 or (self.step is not None and not keep):
            return 0, 0, 0
        return self.shape.layers if keep else 1, self.shape.R, self.shape.directions * kept * self.shape.H

    def forward(self, p: Pass | tuple[Any, ...]) -> None:
        """Fill output, that of the last layer, and `lower`; the states begin as the first and end as the last ones.

        The layer below the last writes to lower[0], and so on downwards, starting over where there are fewer.
        p: a Pass, or its fields in a plain tuple, which takes 0.6 us less.
        """
        if self.step is not None:
            x, _, _, panels, states, lower, output, rows, _, cell = p
            if not len(lower) and not len(rows):
                self.step(panels, states, self.shape.I, cell, x, output)
                return
        policy = dispatch.policy() if self._policy is None else self._policy
        if policy.worth(self.operations):
            self._share_out(Pass(*p), *self._chosen(policy))
        elif self._layered and not len(Pass(*p).lower):  # in place, which needs a workspace
            self._share_out(Pass(*p), None, 1)
        else:
            forward_serial(p if type(p) is tuple else tuple(p))

    def _share_out(self, p: Pass, parallel: Any, count: int) -> None:
        in_place = self._layered and len(p.lower) == 0
        size = workspace_size(self.shape.R, p.output.shape[1]) if in_place else 0
        args = tuple(p), workspaces(count, size, p.output.dtype)
        run_parallel(by_sequence.forward_share, parallel, args, count)

    def _chosen(self, policy: Policy) -> tuple[Callable[..., bool], int]:
        """What threads share out, and how many there are: worked out anew where another policy or number is in use."""
        key = policy, policy.available()
        if self._choice is None or self._choice[0] != key:
            self._choice = (key, *self._choose(policy))
        return self._choice[1], self._choice[2]

    def _choose(self, policy: Policy) -> tuple[Callable[..., bool], int]:
        count = column_threads(self.shape, policy)
        if count > 1:
            return by_column.forward_parallel, count
        more = layer_threads(self.shape, policy)
        asked_for = policy.layers is not None and more > 1
        count = 1 if asked_for else policy.most(self.shape.B, self.operations)
        return (by_layer.forward_parallel, more) if more > count else (by_sequence.forward_parallel, count)

    def backward(self, b: LayerBackward | tuple[Any, ...]) -> None:
        """Fill all gradients of a layer; b may be a plain tuple, too."""
        gradients.backward(b, self._policy)


@kernel
def forward_serial(fields):
    """A Pass on the thread that calls, of layers that do not write in place: output stands for the workspace."""
    by_sequence.forward_share(fields, Pass(*fields).output, 0, 1)
