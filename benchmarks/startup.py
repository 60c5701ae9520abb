"""From a fresh interpreter: the import, and the first output with kernels that have been compiled before."""

from __future__ import annotations

import numbarnn as nb
from numbarnn import nn

FIRST_OUTPUT = "import numbarnn as nb; nb.nn.RNN(16, 32)(nb.zeros(50, 1, 16))"


class Startup:
    def setup(self):
        nn.RNN(16, 32)(nb.zeros(50, 1, 16))  # compiled, and so in the cache

    def timeraw_import(self):
        return "import numbarnn"

    def timeraw_first_output(self):
        return FIRST_OUTPUT
