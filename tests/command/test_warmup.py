"""`python -m numbarnn warmup`: all kernels are compiled by it, and a process that comes after compiles none."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import processes
import pytest

from numbarnn import __main__
from numbarnn.command import warmup
from numbarnn.kernels.cells import frames
from numbarnn.kernels.compile import announce, fingerprint, jit, notice
from numbarnn.kernels.threads import dispatch, team

#: not part of the library: what `bench` measures the machine with
BENCH_ONLY = {"numbarnn.kernels.product.peak"}


@pytest.fixture(scope="module", autouse=True)
def warm():
    """The command, in the cache that all tests use: what it compiles others need as well."""
    assert __main__.main(["warmup"]) == 0


#: kernels, and those that are compiled by themselves
COMPILED = (type(dispatch.share_of), type(frames.code_of))


def entry_points():
    """Kernels that plain Python mentions, besides those that are only called by kernels."""
    packages = fingerprint.BELOW.keys() - {"cuda"}
    names = {"numbarnn.kernels.backend", *(name for package in packages for name in fingerprint.modules(package))}
    for module in map(importlib.import_module, sorted(names - BENCH_ONLY)):
        for node in ast.parse(Path(module.__file__).read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not isinstance(
                getattr(module, node.name), COMPILED
            ):
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                values = [getattr(module, name, None) for name in sorted(names)]
                values += [
                    getattr(getattr(module, n.value.id, None), n.attr, None)
                    for n in ast.walk(node)
                    if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
                ]
                from_python = [k for k in jit.kernels if not isinstance(k, jit.InnerKernel)]
                yield from (value for value in values if any(value is kernel for kernel in from_python))


def test_every_entry_point_is_compiled_for_each_dtype():
    found = list(entry_points())
    assert len(found) > 5
    for kernel in found:
        compiled = {str(signature) for signature in kernel.signatures}
        if kernel.py_func.__module__ == team.__name__:  # numbers only
            assert compiled, kernel.__name__
            continue
        for dtype in ("float32", "float64"):
            assert any(dtype in signature for signature in compiled), f"{kernel.__name__}: {compiled}"


def test_every_parallel_kernel_is_an_entry_point():
    parallel = {kernel.__name__ for kernel in jit.kernels if kernel.__name__.endswith("_parallel")}
    assert len(parallel) > 5
    assert parallel <= {kernel.__name__ for kernel in entry_points()} | {"_multiply_add_parallel", "_read_parallel"}


PROGRAM = """
import sys
import numpy as np
import numbarnn as nb
from numbarnn import nn
from numbarnn.kernels.threads.dispatch import Policy, set_policy
from policies import POLICIES

def fail(line):
    raise AssertionError(line)

nb.config.on_compile(fail)
for policy in (Policy(serial_operations=1), *POLICIES.values()):
    set_policy(policy)
    for dtype in (nb.float32, nb.float64):
        for nonlinearity in ("tanh", "relu"):
            for options in ({}, {"num_layers": 3, "bidirectional": True, "batch_first": True, "dropout": 0.5}):
                rnn = nn.RNN(5, 7, nonlinearity=nonlinearity, dtype=dtype, **options)
                head = nn.Linear(len(rnn.all_weights) // rnn.num_layers * 7, 2, dtype=dtype)
                x = nb.ones(6, 4, 5, dtype=dtype, requires_grad=True)
                for lengths in (None, [2] * (6 if rnn.batch_first else 4)):
                    output, h_n = rnn(x, lengths=lengths)
                    head(output).sum().backward()
                    with nb.no_grad():
                        rnn(x.detach().numpy(), lengths=lengths)
        cell = nn.RNNCell(5, 7, dtype=dtype)
        cell(x[0]).sum().backward()
        for B, units in ((None, 7), (4, 7), (None, 400), (4, 400)):
            rnn, cell = nn.RNN(5, units, dtype=dtype), nn.RNNCell(5, units, dtype=dtype)
            x_t = np.ones((5,) if B is None else (4, 5), dtype)
            rnn.stream(B).step(x_t)
            with nb.no_grad():
                rnn(x_t[None])
                cell(x_t)
        packed, x, h = nb.jit.pack(nn.RNN(5, 7, 2, dtype=dtype)), np.ones((6, 4, 5), dtype), np.zeros((2, 4, 7), dtype)
        nb.jit.step(packed, x[0], h)
        nb.jit.sequence(packed, x, h, np.empty((6, 4, 7), dtype))
        nb.jit.linear(nb.jit.pack(nn.Linear(5, 2, dtype=dtype)), x[0], np.empty((4, 2), dtype))
        wide = nn.RNN(3, 700, dtype=dtype)
        wide(nb.ones(3, 1, 3, dtype=dtype))[0].sum().backward()
"""


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_process_after_it_compiles_nothing(count):
    assert processes.run(PROGRAM, NUMBA_NUM_THREADS=count) == ("", "")


def test_it_says_how_far_it_is(capsys):
    assert __main__.main(["warmup"]) == 0
    out, err = capsys.readouterr()
    total = 2 * len(warmup.POLICIES) * len(warmup.WORKLOADS)
    assert re.match(r"All kernels for this CPU are there: \d+ in /", out)
    assert err.splitlines()[-1].startswith(f"[{'#' * 30}] {total}/{total}")


def test_a_folder_that_cannot_be_written_is_an_error(monkeypatch, capsys):
    """And nothing is compiled for it."""
    monkeypatch.setattr(warmup.folders, "writable_place", lambda: None)
    monkeypatch.setattr(warmup, "WORKLOADS", {"one": lambda dtype: notice.give("compiling")})
    assert __main__.main(["warmup"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "NUMBA_CACHE_DIR" in err


def test_a_folder_that_cannot_be_written_and_has_all_kernels_is_none(monkeypatch, capsys):
    """As in an image that runs what was compiled when it was built."""
    monkeypatch.setattr(warmup.folders, "writable_place", lambda: None)
    monkeypatch.setattr(warmup, "WORKLOADS", {"one": lambda dtype: None})
    assert __main__.main(["warmup"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("All kernels for this CPU are there")
    assert err == ""


def test_a_kernel_that_could_not_be_kept_is_an_error(monkeypatch, capsys):
    """As where the disk is full."""
    monkeypatch.setattr(warmup, "WORKLOADS", {"one": lambda dtype: announce.failures.append("No space left on device")})
    assert __main__.main(["warmup"]) == 1
    assert "could not be kept: No space left on device" in capsys.readouterr().err
    announce.failures.clear()
