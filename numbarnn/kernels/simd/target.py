"""The CPU that Numba compiles for: the width of its vectors, and the size of the tile that fills its registers."""

from __future__ import annotations

import os
import platform
from typing import Any

import llvmlite.binding as llvm
import numba

#: compiled for a CPU, it shows the CPU's widest registers, and whether it has fused multiply-add
_PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @probe(<16 x float> %a, <16 x float> %b, <16 x float> %c) {
  %d = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %d
}
"""


def _of_target() -> tuple[int, bool]:
    """Bytes of the widest vector register of the CPU that Numba compiles for, and whether it has fused multiply-add."""
    chosen: Any = numba.config
    name, features = chosen.CPU_NAME, llvm.get_host_cpu_features()
    if name is None and chosen.CPU_FEATURES is None:
        wide = 64 if features.get("avx512f") and features.get("avx512dq") else 32 if features.get("avx2") else 16
        return wide, bool(features.get("fma"))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name() if name is None else name,
        features=features.flatten() if chosen.CPU_FEATURES is None else chosen.CPU_FEATURES,
    )
    code = machine.emit_assembly(llvm.parse_assembly(_PROBE))
    return 64 if "zmm" in code else 32 if "ymm" in code else 16, "fmaf" not in code


_WIDEST, _FMA = _of_target()
_asked = os.environ.get("NUMBARNN_VECTOR_BYTES", "")
if _asked not in ("", "0", "16", "32", "64"):
    raise ValueError(f"NUMBARNN_VECTOR_BYTES: expected 16, 32 or 64, got {_asked}")
#: bytes in one vector; NUMBARNN_VECTOR_BYTES chooses a narrower one (16, 32, 64), for tests and comparisons
VECTOR_BYTES = int(_asked or 0) or _WIDEST

_ARM = platform.machine().lower() in ("aarch64", "arm64")
#: on a CPU without it llvm.fma would be a library call for each lane; llvm.fmuladd rounds twice there, to other bits
HAS_FMA = _ARM or _FMA

#: bytes of a cache line
CACHE_LINE = 64
#: vectors in a row of a panel
PANEL_VECTORS = 2
#: rows of the register tile, as in BLIS; the last rows of a matrix are tiles with fewer
MR = 6
#: tiles of up to so many rows are two panels wide: their sums and the operands of an update fill the register file
PAIR_ROWS = 6 if VECTOR_BYTES == 64 or _ARM else 3


def lanes_of(dtype: Any) -> int:
    """How many numbers of a numba type a vector has."""
    return VECTOR_BYTES * 8 // int(dtype.bitwidth)
