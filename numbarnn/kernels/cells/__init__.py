"""Cells: each a file of equations, forward and backward, in plain Python.

At each step a sequence has a row of G gates of H columns.  The recurrent product h_{t-1} W_hh^T is added to the gates
0 : `recurrent`, the input product x_t W_ih^T with the bias to the gates `inputs` : G.  A cell says what becomes of the
row: `forward(gates, h_prev)` returns the gates that the backward pass needs and h_t, `backward(gates, h_prev, h, d_h)`
the gradients of the gates before `forward`, and what of d_h reaches h_prev without passing through the gates.

The same text runs on NumPy arrays (`plain`), on register tiles (tiles.py) and on a GPU.  Read elman.py first.
"""

from . import elman

__all__ = ["elman"]
