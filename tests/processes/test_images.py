"""Kernels in an image: compiled when it is built, read-only when it runs, by another user on another CPU."""

from __future__ import annotations

import platform
import re
import shutil

import processes
import pytest
from repository import README

#: one kernel, the quickest to compile
COMPUTE = """
import numpy as np
from numbarnn.kernels.product import packing
packing.packed(np.ones((2, 3), np.float32))
"""
#: nothing can be written, whoever runs it
READ_ONLY = """
import os, sys

def refuse(event, args):
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
    if (writes and args[0] != os.devnull) or event in ("os.mkdir", "os.utime", "os.remove", "os.rename", "os.rmdir"):
        raise OSError(30, "Read-only file system", str(args[0]))

sys.addaudithook(refuse)
"""
#: the same image on another machine: an older CPU
OLDER_CPU = """
import llvmlite.binding as llvm
features = llvm.get_host_cpu_features()
features.update(avx512f=False, avx512dq=False, adx=False)
llvm.get_host_cpu_name, llvm.get_host_cpu_features = lambda: "penryn", lambda: features
"""
#: another release of the same Python
NEXT_RELEASE = """
import sys
import numba
sys.version_info = (*sys.version_info[:2], sys.version_info[2] + 1, *sys.version_info[3:])
"""
COMMAND = "import sys, numbarnn.__main__\nprint(numbarnn.__main__.main(sys.argv[1:]))\n"


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder with the kernels of COMPUTE."""
    folder = tmp_path_factory.mktemp("warm")
    assert compiles("", folder)
    return folder


def compiles(before, folder, **environment):
    """Whether a program that runs the lines `before` first has to compile."""
    err = processes.run(before + COMPUTE, NUMBA_CACHE_DIR=str(folder), **environment)[1]
    assert err == "" or "compiling kernels" in err
    return err != ""


def command(before, name, folder, **environment):
    """(exit code, lines of stdout, stderr) of `python -m numbarnn name`."""
    out, err = processes.run(before + COMMAND, name, NUMBA_CACHE_DIR=str(folder), **environment)
    *lines, code = out.splitlines()
    return int(code), lines, err


def entries(lines):
    """What `info` prints, by its names."""
    return {line.split("  ")[0].strip(): line.split("  ", 1)[1].strip() for line in lines}


@pytest.mark.parametrize("before", [READ_ONLY, NEXT_RELEASE, READ_ONLY + NEXT_RELEASE])
def test_what_is_there_is_used(warm, before):
    assert not compiles(before, warm)


def test_another_cpu_has_kernels_of_its_own(warm, tmp_path):
    """And the line says why those that are there are not used."""
    folder = shutil.copytree(warm, tmp_path / "warm")
    _, err = processes.run(OLDER_CPU + COMPUTE, NUMBA_CACHE_DIR=str(folder))
    count = len(list(warm.rglob("*.nbc")))
    assert re.search(rf"the {count} in {folder} are for another CPU, or other versions of Python, NumPy or Numba", err)
    assert not compiles(OLDER_CPU, folder)
    assert not compiles("", folder)
    found = entries(command("", "info", folder)[1])
    assert re.fullmatch(rf"{count} in {folder}, and \d+ for another CPU or other .*", found["kernels"])


def test_info_on_a_read_only_folder(warm):
    """Which is used, and not one in which every process compiles its own."""
    code, lines, err = command(READ_ONLY, "info", warm)
    assert (code, err) == (0, "")
    count, found = len(list(warm.rglob("*.nbc"))), entries(lines)
    assert found["cache folder"].startswith(f"none that can be written: {warm}: Read-only file system (NUMBA_CACHE_DIR")
    assert re.fullmatch(rf"{count} in {warm}", found["kernels"])


def test_info_before_anything_is_compiled(tmp_path):
    assert entries(command("", "info", tmp_path)[1])["kernels"].startswith("none yet")


def test_warmup_of_a_read_only_folder_compiles_nothing(tmp_path):
    """It says so at once."""
    compile = "import numba.core.compiler\nnumba.core.compiler.compile_extra = None\n"
    code, lines, err = command(READ_ONLY + compile, "warmup", tmp_path)
    assert (code, lines) == (1, [])
    assert re.fullmatch(r"numbarnn warmup: compiled kernels cannot be kept: .*Read-only.*NUMBA_CACHE_DIR.*\n", err)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86-64 CPUs")
def test_one_image_for_several_cpus(tmp_path):
    """As README has it, with a CPU that every machine can stand in for."""
    name, features = re.search(r'NUMBA_CPU_NAME=(\S+) NUMBA_CPU_FEATURES="(.*?)"', README).groups()
    assert (name, features) == ("x86-64-v3", "")
    variables = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    assert compiles("", tmp_path, **variables)
    for before in (READ_ONLY, OLDER_CPU, READ_ONLY + OLDER_CPU):
        assert not compiles(before, tmp_path, **variables)
    found = entries(command(OLDER_CPU, "info", tmp_path, **variables)[1])
    assert found["CPU"] == f"x86-64 ({platform.machine()}), on penryn, features: its own"
    assert found["SIMD width"] == "128 bits, no fused multiply-add"
    assert compiles("", tmp_path)  # for the CPU that is there, it is another matter


#: CPUs by name, whoever the host is: bytes in a vector
WIDTHS = {"x86-64": 16, "x86-64-v2": 16, "x86-64-v3": 32, "x86-64-v4": 64, "haswell": 32, "znver4": 64}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86-64 CPUs")
@pytest.mark.parametrize("name", WIDTHS)
def test_registers_are_those_of_the_cpu_that_is_compiled_for(name):
    program = "from numbarnn.kernels.simd import target; print(target.VECTOR_BYTES, target.HAS_FMA)"
    environment = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": "", "NUMBARNN_VECTOR_BYTES": None}
    assert processes.run(program, **environment)[0] == f"{WIDTHS[name]} {WIDTHS[name] > 16}\n"


@pytest.mark.parametrize("asked", ["wide", "48", "-16", "16.0"])
def test_a_width_that_there_is_not_is_refused_by_name(asked):
    program = """
try:
    import numbarnn
except ValueError as error:
    print(error)
"""
    out, _ = processes.run(program, NUMBARNN_VECTOR_BYTES=asked)
    assert out == f"NUMBARNN_VECTOR_BYTES: expected 16, 32 or 64, got {asked}\n"
