"""The CPU that Numba compiles for: how wide its vectors are, and the shape of tiles that fills its registers."""

from __future__ import annotations

import os
import platform
from typing import Any

import llvmlite.binding as llvm
import numba

#: what tells the registers of a CPU, and whether it has fused multiply-add: this compiled for it
_PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @probe(<16 x float> %a, <16 x float> %b, <16 x float> %c) {
  %d = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %d
}
"""


def _of_target() -> tuple[int, bool]:
    """Bytes in the widest vector register of the CPU that Numba compiles for, and whether it has multiply-add."""
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
#: without it llvm.fma is a library call for every lane; such a CPU rounds twice and its bits differ
HAS_FMA = _ARM or _FMA

#: bytes in a line of the caches
CACHE_LINE = 64
#: vectors side by side in one panel of packed weights
PANEL_VECTORS = 2
#: rows of the tallest tile
MR = 6
#: rows up to which a tile is two panels wide: its accumulators and the operands of one update fill the register file
PAIR_ROWS = 6 if VECTOR_BYTES == 64 or _ARM else 3


def lanes_of(dtype: Any) -> int:
    """Numbers of the numba type `dtype` in one vector."""
    return VECTOR_BYTES * 8 // int(dtype.bitwidth)
