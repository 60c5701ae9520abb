"""Cells: each a file of equations, forward and backward, in plain Python.

At each step a sequence has a row of G gates of H columns.  Each gate begins as its bias; the recurrent product
h_{t-1} W_hh^T is added to the gates 0 : `recurrent` (a window), the input product x_t W_ih^T to the gates `inputs` : G.
A cell is two functions of such a row.  `forward(gates, h_prev)` returns the gates as the backward pass needs them, and
h_t.  `backward(gates, h_prev, h, d_h)` takes these gates and returns the gradients of the row, and the part of h_prev's
gradient that does not come through the recurrent product.

The same source runs on NumPy arrays (kernels/plain), on register tiles (tiles.py) and on a GPU.  Read elman.py first.
"""

from . import elman

__all__ = ["elman"]
