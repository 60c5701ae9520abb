"""`python -m numbarnn demo`: an RNN learns the sunspot cycle and forecasts it, beside simpler forecasts."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]
