"""Matrix products, and the affine map that is made of them.  Read gemm.py first.

Dimensions: out (M, N) = init (M, N) + a (M, K) b (K, N); in linear.py R rows, I inputs, O outputs.  Sizes have BLIS's
names where BLIS has them: a register tile has MR rows and one or two panels of columns (NR); KC terms are summed at a
time, for which two panels stay in the L1 cache; MC rows of a stay in the L2 cache.

packing.py  b in panels, and aligned memory      gemm.py  the product
linear.py   y = x W^T + b and its gradients      peak.py  what the CPU can do at best, to compare with
"""
