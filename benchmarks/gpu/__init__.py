"""The layer on a GPU: whether it is right there, and how long it takes beside torch.nn.RNN (cuDNN).

`python -m benchmarks.gpu --check`, then `python -m benchmarks.gpu`, which takes as long as it takes, or with
`--short` about five minutes.  It needs this package with its extra `cuda`; torch is compared with where it is
installed.
"""
