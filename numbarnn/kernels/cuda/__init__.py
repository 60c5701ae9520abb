"""The kernels' twin for NVIDIA GPUs: the same functions, with the same names and parameters, on arrays on the device.

rnn.py, gradients.py, linear.py, weights.py and packing.py have what the files of these names in the folder above have;
what all of it computes is said in plain.py there.  recurrence.py holds what is written by hand, the loop over the
steps, on top of products.py (its products, with weights in registers), memory.py (vectors, and order between blocks)
and jit.py (compile options); all products over whole sequences are CuPy's.  plan.py decides how a loop is spread over
the chip, launch.py launches it, and steps.py goes step by step where weights do not fit.

Imported only when something is asked of a GPU: it needs CuPy and numba-cuda.  In numba's CUDA simulator
(NUMBA_ENABLE_CUDASIM=1) all of it runs without a GPU and without either.
"""
