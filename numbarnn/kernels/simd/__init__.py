"""SIMD registers as a Numba type.  Read registers.py first: it shows the loop that all products are made of.

target.py      what the CPU has: bytes of a vector, fused multiply-add; the size of the register tile (MR rows)
registers.py   the type `Tile`, (rows, panels * PANEL_VECTORS vectors), and the LLVM code that the others share
tile.py        load, store, multiply and add a tile;  arithmetic.py  Python's operators for tiles
pointers.py    pointers to elements of arrays, and memory on the stack

Kernels address memory as pointer + offset, both in elements, and check nothing: callers have checked sizes.
"""
