"""A step of an optimizer on one parameter, in one pass over its memory: a file for each optimizer.

All arrays of a call (values p, gradient g, states) have one shape and one dtype; p and the states are changed in place.
`../plain/optimizers.py` has the same functions on NumPy, the same options, and the same bits; arrays that are not
C-contiguous go there.
"""
