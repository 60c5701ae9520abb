"""How passes of one shape run: as one step, on the thread that calls, or shared out by sequence, column or layer."""

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
from .step import step_with_gil, step_without_gil

#: floating-point operations that take a few microseconds: up to so many, a step keeps the GIL, as releasing it costs
#: more than it gives
BRIEF = 200_000
#: steps up to which layers of a pass without gradients do not write in place: threads can then share out the columns
#: of the input projection (projection.py)
FEW_STEPS = 16


class Plan:
    """How passes of one shape run; made once for all calls of that shape.

    policy: decides in place of the policy in use (threads/dispatch.py).
    """

    __slots__ = ("_choice", "_layered", "_policy", "operations", "shape", "step")

    def __init__(self, shape: Shape, policy: Policy | None = None) -> None:
        tiles.load(shape.cell, shape.dtype)
        self.shape, self._policy, self._layered = shape, policy, shape.layers > 1
        now = dispatch.policy() if policy is None else policy
        self.operations = operations(shape, now)
        one = shape.T == shape.directions == 1 and shape.R == shape.B and self.operations < now.serial_operations
        #: the kernel for a sequence of one step: 3.6 us for the whole call, 4.6 with the loop over time
        self.step: Callable[..., None] | None = (
            (step_with_gil if self.operations <= BRIEF else step_without_gil) if one else None
        )
        self._choice: tuple[Any, Any, int] | None = None

    @property
    def lower_layers(self) -> int:
        """Arrays (R, D H) that a pass without gradients needs for the layers below the last.

        0 where layers write in place, over the output of the layer below (projection.py).
        """
        if self.step is not None or self.shape.T > FEW_STEPS:
            return 0
        return min(self.shape.layers - 1, 2)

    def rows(self, keep: bool) -> tuple[int, int, int]:
        """The shape of `Pass.rows`; keep: whether a backward pass follows."""
        kept = CELLS[self.shape.cell].kept
        if kept == 0 or (self.step is not None and not keep):
            return 0, 0, 0
        return self.shape.layers if keep else 1, self.shape.R, self.shape.directions * kept * self.shape.H

    def forward(self, p: Pass | tuple[Any, ...]) -> None:
        """Fill `output`, that of the last layer, and `lower`; `states` begin as the first and end as the last ones.

        The layer below the last writes to lower[0], the next one down to lower[1], and so on, in turns if there are
        fewer arrays than layers.
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
        """The kernel and the number of threads: chosen anew when the policy or the available threads change."""
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
        """Fill all gradients of a layer; b: a LayerBackward, or its fields in a plain tuple."""
        gradients.backward(b, self._policy)


@kernel
def forward_serial(fields):
    """Run a Pass on the thread that calls.  No layer may write in place: output is passed for the unused workspace."""
    by_sequence.forward_share(fields, Pass(*fields).output, 0, 1)
