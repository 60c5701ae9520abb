"""asv benchmarks; `peers.py` is a program of its own."""
