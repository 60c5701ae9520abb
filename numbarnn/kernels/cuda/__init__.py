"""The kernels' twin for NVIDIA GPUs: the same functions, with the same names and parameters, on arrays on the device.

backend.py is the door, and its passes are those of plain/recurrence.py, on top of loops.py.  linear.py, weights.py and
packing.py have what kernels/product has.
recurrence.py holds what is written by hand, the loop over the steps of any cell, on top of products.py (its products,
with weights in registers), elements.py (what becomes of their sums), equations.py (a cell's functions for scalars),
memory.py (vectors, and order between blocks) and jit.py (compile options); all products over whole sequences are
CuPy's.  plan.py decides how a loop is shared out over the chip, launch.py launches it, and plain/steps.py goes step by
step where weights do not fit.

Imported only when something is asked of a GPU: it needs CuPy and numba-cuda.  In numba's CUDA simulator
(NUMBA_ENABLE_CUDASIM=1) all of it runs without a GPU and without either.
"""
