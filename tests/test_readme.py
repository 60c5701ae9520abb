"""The README's programs run and do what it says."""

from __future__ import annotations

import inspect
import re

import numpy as np
import processes
import pytest
from repository import README, ROOT, example

import numbarnn


def test_the_example_learns(capsys):
    programs = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    example = next(p for p in programs if "optimizer.step()" in p)
    exec(compile(example, "README.md", "exec"), {})
    loss, value, true = map(float, re.findall(r"-?\d+\.\d+", capsys.readouterr().out))
    assert loss < 0.001
    assert abs(value - true) < 0.1
    assert true == round(float(np.sin(399 / 8)), 3)


def test_the_checkpoint_example_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    section = README.split("## Checkpoints")[1]
    scope = {}
    exec(re.search(r"```python\n(.*?)```", section, flags=re.DOTALL).group(1), scope)
    assert scope["checkpoint"]["epoch"] == 1
    with np.load("weights.npz") as file:
        assert file.files == list(scope["rnn"].state_dict())


def test_the_example_of_all_states(capsys):
    exec(compile(example("output_hidden_states"), "README.md", "exec"), {})
    assert capsys.readouterr().out == "[(1000, 4, 8), (1000, 4, 8)] True\nNone True\n"


@pytest.mark.slow
def test_the_loop_inside_njit(capsys):
    scope = {}
    exec(compile(example("@numba.njit"), "README.md", "exec"), scope)
    position, speed = map(float, re.findall(r"-?\d+\.[\de-]+", capsys.readouterr().out))
    assert abs(position) < 10
    assert abs(speed) < 10
    control, packed = scope["control"], [numbarnn.jit.pack(scope[name]) for name in ("rnn", "head")]
    assert control(*packed, 1000) == control.py_func(*packed, 1000)
    assert control(*packed, 100_000) == (position, speed)


def test_the_example_of_a_stream(capsys):
    exec(compile(example(".stream("), "README.md", "exec"), {})
    assert capsys.readouterr().out == "numbarnn.Size([4, 32]) numbarnn.Size([1, 4, 32])\n"


def test_the_import_lines_work():
    first = re.search(r"```python\n(import numbarnn as torch.*?)```", README, flags=re.DOTALL).group(1)
    scope = {}
    exec(first, scope)
    assert scope["torch"] is numbarnn
    assert scope["nn"] is numbarnn.nn


def test_every_name_of_the_table_exists():
    table = README.split("## What mirrors torch")[1].split("## Speed")[0]
    for row, home in (("| `nn` |", numbarnn.nn), ("| `optim` |", numbarnn.optim)):
        line = next(line for line in table.splitlines() if line.startswith(row))
        names = re.findall(r"`([\w.]+)`", line.split("|")[2])
        assert len(names) > 3
        for name in names:
            found = home
            for part in name.split("."):
                found = getattr(found, part, None) or getattr(numbarnn.optim.lr_scheduler, part)
            assert callable(found) or inspect.ismodule(found)


def test_ci_runs_the_test_command_of_the_readme():
    commands = [line for line in README.splitlines() if "bin/pytest" in line]
    assert len(commands) == 1
    assert "grep -m 1 'bin/pytest' README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["ProcessPoolExecutor", "ThreadPoolExecutor"])
def test_the_pools_of_the_pipelines_section(pool, tmp_path):
    program = tmp_path / "program.py"  # workers that are spawned read it as well
    program.write_text(example(pool))
    started = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    assert processes.run(started, PYTHONWARNINGS="ignore::DeprecationWarning")[0] == "(80, 16)\n"
