"""`python -m numbarnn bench`: this library beside others, and beside the machine's own limits."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]
