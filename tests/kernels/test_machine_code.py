"""One source of kernels for NEON, SSE, AVX2 and AVX-512: what LLVM, a cross compiler, makes of it for each.

A second interpreter takes itself for the CPU in question while numbarnn is imported, optimises for it, and hands over
the LLVM IR of its kernels.  Here it becomes assembly, of which the innermost loops have to be what they were written
for: fused multiply-adds on whole vector registers, with nothing kept on the stack and no calls.  What was compiled is
not run.  The CPU of this machine decides nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import llvmlite.binding as llvm
import pytest


class Target(NamedTuple):
    """A CPU, what numbarnn should find there, and patterns of its assembly."""

    triple: str
    cpu: str
    machine: str  # platform.machine()
    features: tuple[str, ...]  # of llvm.get_host_cpu_features()
    vector_bytes: int
    update: str  # one fused multiply-add of vectors, or the product where there is none
    registers: int  # of vectors
    other_registers: str  # narrower or wider vectors, which no update may use
    stack: str = r"\(%rsp"
    call: str = r"^\s*callq?\s"


X86 = "x86_64-unknown-linux-gnu"
TARGETS = {
    "NEON": Target("aarch64-unknown-linux-gnu", "neoverse-n1", "aarch64", (), 16,
                   r"^\s*fmla\s+v\d+\.(4s|2d)", 32, r"v\d+\.2s", r"\[sp", r"^\s*blr?\s"),
    "SSE2": Target(X86, "x86-64", "x86_64", (), 16, r"^\s*mulp[sd]\s.*%xmm", 16, r"%[yz]mm"),
    "AVX2": Target(X86, "haswell", "x86_64", ("avx2", "fma"), 32, r"^\s*vfmadd\d+p[sd]\s.*%ymm", 16, r"%[xz]mm"),
    "AVX-512": Target(X86, "skylake-avx512", "x86_64", ("avx2", "fma", "avx512f", "avx512dq"), 64,
                      r"^\s*vfmadd\d+p[sd]\s.*%zmm", 32, r"%[xy]mm"),
}  # fmt: skip

#: prints the vectors of the tallest tile and of one row of it, and the IR of a product with it in float32 and float64;
#: given "too tall", with one of twice the rows; given "all", also that of each kernel that takes arrays and runs in the
#: training of a small model
_PROGRAM = """
import importlib, itertools, json, platform, sys
import llvmlite.binding as llvm
import numba
from numba import types
from numba.core import registry

numba.njit(lambda: None)()  # numba itself knows the true CPU
# passes ask the target machine what pays, for instance how wide a vector should be
llvm.initialize_all_targets()
triple, cpu, machine, features, what = json.loads(sys.argv[1])
registry.cpu_target.target_context.codegen()._tm = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
numba.config.CPU_NAME = numba.config.CPU_FEATURES = None
true = platform.machine, llvm.get_host_cpu_features
platform.machine, llvm.get_host_cpu_features = lambda: machine, lambda: dict.fromkeys(features, True)
from numbarnn.kernels.simd import target
platform.machine, llvm.get_host_cpu_features = true

import numbarnn, numbarnn.kernels
from numbarnn.kernels.cells import tiles
from numbarnn.kernels.cells.cell import CELLS
from numbarnn.kernels.compile import fingerprint, jit, shared
from numbarnn.kernels.threads.dispatch import Policy, using
from numbarnn.kernels.simd.target import PAIR_ROWS, PANEL_VECTORS, MR
from numbarnn.kernels.simd.pointers import panel_width, plus
from numbarnn.kernels.simd.tile import tile_fma, tile_load, tile_store

PANELS = 2 if MR <= PAIR_ROWS else 1
ROWS = MR * 2 if what == "too tall" else MR

@jit.kernel
def product(init, a, a_row, b, K, out, out_row):
    width = PANELS * panel_width(out)
    acc = tile_load(init, out_row, width, ROWS, PANELS)
    for k in range(K):
        acc = tile_fma(acc, plus(a, k), a_row, plus(b, k * width), panel_width(out))
    tile_store(acc, out, out_row, width)

found = {}
for dtype in (types.float32, types.float64):
    p, n = types.CPointer(dtype), types.intp
    product.compile((p, p, n, p, n, p, n))
    found[f"tile of {dtype}"] = product.inspect_llvm(product.signatures[-1])
if what == "all":
    rnn = numbarnn.nn.RNN(5, 40)
    with using(Policy(threads=1)):
        rnn(numbarnn.zeros(3, 14, 5, requires_grad=True))[0].sum().backward()
    for package in sorted(set(fingerprint.BELOW) - {"cuda"}):
        for module in map(importlib.import_module, fingerprint.modules(package)):
            for name, kernel in vars(module).items():
                for signature in kernel.signatures if any(kernel is one for one in jit.kernels) else ():
                    if any(isinstance(t, types.Array) for t in signature) and kernel.__module__ == module.__name__:
                        found[f"{module.__name__}.{name}"] = kernel.inspect_llvm(signature)
    found.update({name: function.inspect_llvm() for name, function in shared.compiled.items()})
    for number, dtype, backward in itertools.product(CELLS, ("float32", "float64"), (False, True)):
        tiles.load(number, dtype, backward)
    for (number, dtype, backward), code in tiles._made.items():
        found[f"{CELLS[number].name}, {dtype}, {int(backward)}"] = code.inspect_llvm()
print(json.dumps([[ROWS * PANELS * PANEL_VECTORS, PANELS * PANEL_VECTORS], target.VECTOR_BYTES, found]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for kernels of CPUs that are not there: nobody may ever load them."""
    return str(tmp_path_factory.mktemp("cache"))


def ir(target: Target, what: str, cache: str, **variables: str) -> tuple[list[int], dict[str, str]]:
    """Vectors of the tallest tile and of one row, and the LLVM IR of each kernel, compiled as if on the target."""
    environment = {**os.environ, **variables, "NUMBA_CACHE_DIR": os.path.join(cache, target.cpu, what)}
    environment.pop("NUMBARNN_VECTOR_BYTES", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps([*target[:4], what])],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    vectors, vector_bytes, found = json.loads(done.stdout)
    assert vector_bytes == target.vector_bytes
    return vectors, found


def assembly(source: str, target: Target) -> list[str]:
    """Lines of assembly; an object file can be written as well."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(cpu=target.cpu, opt=3, reloc="pic")
    source = re.sub(r"^target triple = .*", f'target triple = "{target.triple}"', source, flags=re.M)
    source = re.sub(r"^target datalayout = .*", f'target datalayout = "{machine.target_data}"', source, flags=re.M)
    # numba's reference counts have been lowered to instructions of this CPU already
    source = re.sub(r"^define [^\n]*(void @NRT_\w+\(\S+).*?^}\n", r"declare \1)\n", source, flags=re.M | re.S)
    module = llvm.parse_assembly(source)
    assert len(machine.emit_object(module)) > 0
    return machine.emit_assembly(module).splitlines()


def innermost_loops(lines: list[str]) -> Iterator[list[str]]:
    """What lies between a label and a jump back to it, with no other label inside: one block that repeats itself."""
    labels: dict[str, int] = {}
    loops = []
    for number, line in enumerate(lines):
        if label := re.match(r"(\.?L\w+):", line):
            labels[label[1]] = number
        jump = re.match(r"\s+(?:b|b\.\w+|cbn?z|tbn?z|j\w+)\s+(?:.*\s)?(\.?L\w+)\s*$", line)
        if jump and jump[1] in labels:
            loops.append((labels[jump[1]], number))
    for begin, end in loops:
        if not any(begin < number <= end for number in labels.values()):
            yield lines[begin : end + 1]


def matches(pattern: str, lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if re.search(pattern, line)]


def updates(loops: list[list[str]], target: Target) -> list[tuple[int, list[str]]]:
    """Loops that multiply and add vectors, and how often in one turn."""
    return [(n, loop) for loop in loops if (n := len(matches(target.update, loop)))]


@pytest.mark.parametrize("name", TARGETS)
def test_the_tallest_tile_stays_in_registers(name: str, cache: str) -> None:
    target = TARGETS[name]
    (tile, row), found = ir(target, "tile", cache)
    for kernel, source in found.items():
        lines = assembly(source, target)
        ((count, loop),) = updates(list(innermost_loops(lines)), target)
        assert count % tile == 0, kernel
        # accumulators and a row of b leave little of the register file unused
        assert target.registers // 2 <= tile + row <= target.registers
        assert matches(target.stack, loop) == [], kernel
        assert matches(target.call, loop) == [], kernel
        assert matches(target.other_registers, matches(target.update, loop)) == [], kernel
        assert matches(r"\bfmaf?\b", lines) == [], kernel  # a library call for each lane


@pytest.mark.parametrize("name", TARGETS)
def test_a_tile_that_is_too_tall_is_seen(name: str, cache: str) -> None:
    target = TARGETS[name]
    _, found = ir(target, "too tall", cache)
    for kernel, source in found.items():
        loops = updates(list(innermost_loops(assembly(source, target))), target)
        assert any(matches(target.stack, loop) for _, loop in loops), kernel


@pytest.mark.parametrize("name", ["SSE2", "AVX-512"])
def test_machine_code_does_not_depend_on_this_cpu(name: str, tmp_path: Path) -> None:
    seen = [
        ir(TARGETS[name], "tile", str(tmp_path / cpu), NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES="")
        for cpu in ("x86-64", "haswell", "znver4")
    ]
    assert seen[1:] == seen[:1] * 2


def test_all_kernels_for_a_cpu_without_a_test_machine(cache: str) -> None:
    target = TARGETS["NEON"]
    (tile, _), found = ir(target, "all", cache)
    seen: list[int] = []
    for kernel, source in found.items():
        lines = assembly(source, target)
        assert matches(r"^\s*bl\s+(fma|tanh|exp)", lines) == [], kernel
        for count, loop in updates(list(innermost_loops(lines)), target):
            seen.append(count)
            spilled = matches(r"^\s*(ldr|str|ldp|stp|ldur|stur)\s+[qvd]\d.*\[sp", loop)
            assert spilled == [], kernel
            assert matches(target.call, loop) == [], kernel
    assert max(seen) >= tile
    assert len(seen) > 10
