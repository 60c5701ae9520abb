"""Policies under which tests run kernels: on one thread, and on several, by all that they may share out."""

from __future__ import annotations

import math

from numbarnn.kernels.threads.dispatch import Policy

#: what three threads share out, however little work it is
POLICIES = {
    "nothing": Policy(serial_operations=math.inf),
    "sequences": Policy(threads=3, serial_operations=1, columns=1, layers=1),
    "columns": Policy(threads=3, serial_operations=1, columns=3),
    "layers": Policy(threads=3, serial_operations=1, columns=1, layers=3),
}
SERIAL = POLICIES["nothing"]
