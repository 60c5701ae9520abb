"""The ways in which a loop over time can be spread over a GPU, each as what decides it (kernels/cuda/plan.py)."""

from __future__ import annotations

import cuda_device

from numbarnn.kernels.cuda.plan import VECTOR, Block, Launch

#: whether in slices of the columns, sequences and columns of a block (None: all), the tile: its rows, its columns and
#: the groups of weights kept in registers; None: step by step
WAYS = {
    "one block": (False, 8, None, (8, 4, 0)),
    "one block, weights in registers": (False, 8, None, (4, 2, 1)),
    "a block a sequence": (False, 1, None, (1, 2, 0)),
    "two sequences a block, weights in registers": (False, 2, None, (2, 4, 1)),
    "slices of three columns": (True, 3, 3, (2, 1, 0)),
    "slices of three columns, weights in registers": (True, 3, 3, (2, 1, 1)),
    "slices of two columns, weights in registers": (True, 4, 2, (4, 2, 2)),
    "one slice": (True, 8, None, (4, 4, 0)),
    "steps": None,
}


def chosen(way):
    """In the place of plan.plan."""

    def plan(B, H, D, itemsize, chip, across=1, along=1):
        if WAYS[way] is None:
            return None
        sliced, S, C, (rows, columns, kept) = WAYS[way]
        S, C, threads = min(S, B), min(C or H, H), (3 if sliced else 6) if cuda_device.SIMULATED else 64
        block = Block(S, C, H, sliced, max(threads, -(-across * C // columns)), itemsize, across, along)
        parts = block.parts(columns)
        kept = min(kept, along * H * itemsize // VECTOR // parts)
        shared = block.shared(rows, columns, kept)
        slices, groups = -(-H // C), -(-B // S)
        return Launch((rows, columns, kept), sliced, slices, groups, S, C, parts, block.threads, shared)

    return plan


def spread(monkeypatch, way):
    """The same; in the simulator the blocks of a launch that wait for each other run at once."""
    if cuda_device.SIMULATED and WAYS[way] and WAYS[way][0]:
        import cuda_grid

        from numbarnn.kernels.cuda import launch

        monkeypatch.setattr(launch, "run", cuda_grid.run)
    return chosen(way)
