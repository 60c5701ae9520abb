"""`python -m numbarnn bench`: plausible limits, right arithmetic, failures that are told.  No time is asserted."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import os
import subprocess
import sys

import naive
import numpy as np
import pytest
from repository import ROOT

from numbarnn.bench import command, limits, measure, peers, plot, shapes, table, worker
from numbarnn.bench.limits import MEMORY_BYTES, Beside, Limits
from numbarnn.bench.measure import Result, Row
from numbarnn.bench.shapes import FORWARD, TRAINING, Shape
from numbarnn.kernels.product import peak as kernels
from numbarnn.kernels.threads import dispatch

MACHINE = {"CPU": "abacus", "threads": "2 of 2", "SIMD width": "8 bits"}
WIDE, SINGLE = Shape(16, 10, 256, 512), Shape(1, 10, 1024, 1024)


def at(shape: Shape, name: str, seconds: float, fraction: float) -> Beside:
    """Limits of which `seconds` are a fraction."""
    return Beside(shape.operations(name) / seconds / fraction, None)


@pytest.fixture
def result() -> Result:
    """numbarnn 2 ms and 3 ms, torch 4 ms and 3 ms, onnxruntime 1 ms in one shape only; two threads, 1 TFLOP/s."""
    rows = [
        Row(WIDE, FORWARD, {"numbarnn": 2e-3, "torch": 4e-3, "onnxruntime": 1e-3}, at(WIDE, FORWARD, 2e-3, 0.25)),
        Row(SINGLE, FORWARD, {"numbarnn": 3e-3, "torch": 3e-3}, at(SINGLE, FORWARD, 3e-3, 0.5)),
        Row(WIDE, TRAINING, {"numbarnn": 2e-3, "torch": 18e-3}, at(WIDE, TRAINING, 2e-3, 0.25)),
    ]
    rates = Limits(1e12, 5e11, {MEMORY_BYTES: 2e10})
    return Result(rows, rates, {"numbarnn": "1", "torch": "2"}, ["jax: broken"])


# ---------------------------------------------------------------------------------------------------------------------
# the limits


def test_limits_of_this_machine_are_plausible():
    size = 1 << 16
    found = limits.measure([size], 0.2)
    again = limits.measure([size], 0.2)
    best = found.best(again)
    assert 1e8 < best.peak_one < 1e12
    assert 1e8 < best.peak < 1e15
    assert 1e8 < best.bandwidth[size] < 1e14
    assert limits.read_bandwidth(4, 1, 1e-3) > 0
    assert best.peak == max(found.peak, again.peak)


def test_the_kernels_do_the_work_they_report():
    for available in {1, dispatch.policy().available()}:
        memory = np.ones(1000 * 256, np.float32)
        assert kernels.read(memory, 3, available) == 3 * memory.nbytes
        operands = limits.aligned(limits.panel_columns(np.float32), np.float32)
        operands[:] = 1
        one = kernels.multiply_add(operands, 10, 1)
        assert kernels.multiply_add(operands, 10, available) == available * one
        assert one % (10 * 2 * operands.size) == 0


def test_work_of_a_shape():
    assert Shape(2, 3, 5, 7).operations(FORWARD) == 2 * 2 * 3 * 7 * (5 + 7)
    assert Shape(2, 3, 5, 7).operations(TRAINING) == 3 * Shape(2, 3, 5, 7).operations(FORWARD)
    assert Shape(1, 3, 5, 7).bytes_read(FORWARD) == 3 * 4 * 7 * 7
    assert Shape(1, 3, 5, 7).bytes_read(TRAINING) == 2 * 3 * 4 * 7 * 7
    assert Shape(2, 3, 5, 7).bytes_read(FORWARD) == 0
    for grid in shapes.GRIDS.values():
        assert len(set(grid)) == len(grid)


def test_fraction_is_of_the_nearer_limit():
    rates = Beside(1e12, 1e11)
    # 10 steps of 4 MiB in 1 ms are 42 % of 100 GB/s; their 42 million operations are 4 % of the peak
    assert rates.fraction(SINGLE, FORWARD, 1e-3) == pytest.approx(10 * 4 * 1024**2 / 1e-3 / 1e11)
    assert rates.fraction(WIDE, TRAINING, 1e-3) == pytest.approx(3 * 2 * 160 * 512 * 768 / 1e-3 / 1e12)


def test_limits_beside_a_shape_are_the_highest():
    found = [Beside(1.0, 8.0), Beside(4.0, 6.0), Beside(2.0, 7.0)]
    assert limits.highest(found) == Beside(4.0, 8.0)
    assert limits.highest([Beside(1.0, None), Beside(3.0, None)]) == Beside(3.0, None)


# ---------------------------------------------------------------------------------------------------------------------
# the table


def test_figures(result):
    forward, training = table.figures(result.rows[:2]), table.figures(result.rows[2:])
    assert forward["torch"] == {"mean": pytest.approx(math.sqrt(2)), "worst": 1, "at": SINGLE}
    assert forward["the best peer"] == {"mean": pytest.approx(math.sqrt(0.5)), "worst": 0.5, "at": WIDE}
    assert [entry["worst"] for name, entry in forward.items() if "(" in name] == [0.25, 0.5]
    assert training["torch"]["mean"] == pytest.approx(9)
    assert table.figures([Row(Shape(1, 1, 1, 1), FORWARD, {"numbarnn": 1.0}, Beside(1e12, None))]) == {}


def test_table(result):
    lines = table.tables(result).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert rows[0][4:] == ["numbarnn", "torch", "onnxruntime", "torch / ours", "best peer / ours", "of the limit"]
    assert rows[2] == ["16", "10", "256", "512", "2000", "4000", "1000", "2.00", "0.50", "25 %"]
    assert rows[3] == ["1", "10", "1024", "1024", "3000", "3000", "-", "1.00", "1.00", "50 %"]
    assert rows[4][4:] == ["numbarnn", "torch", "torch / ours", "best peer / ours", "of the limit"]
    assert len({len(line) for line in lines[2:6]}) == 1
    assert "1.41 times as fast as torch (geometric mean), 1.00 at worst at B 1 T 10 I 1024 H 1024" in lines
    assert lines[-1] == "Left out: jax: broken"
    machine = table.machine(MACHINE, result)
    peaks = sorted(row.limit.peak / 1e9 for row in result.rows)
    told = (
        f"FMA peak 1000 GFLOP/s (beside the shapes {peaks[0]:.0f} to {peaks[-1]:.0f}), of one thread 500; reads 20 GB/s"
    )
    assert told in machine
    assert machine.endswith("numbarnn 1, torch 2")


def test_data_is_json(result):
    data = json.loads(json.dumps(table.data(MACHINE, result)))
    assert data["rows"][0]["seconds"] == {"numbarnn": 2e-3, "torch": 4e-3, "onnxruntime": 1e-3}
    assert data["rows"][0]["pass"] == "forward"
    assert data["summary"]["training"]["torch"]["worst"] == pytest.approx(9)
    assert data["left out"] == ["jax: broken"]


def test_plot(result, tmp_path):
    path = tmp_path / "bench.png"
    plot.save(result, table.machine(MACHINE, result), path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert path.stat().st_size > 20_000


# ---------------------------------------------------------------------------------------------------------------------
# systems


def test_our_adapter_runs_the_given_problem():
    shape = Shape(3, 4, 5, 6)
    problem = peers.problem(shape)
    passes = peers.SYSTEMS["numbarnn"].adapter(problem)
    w = problem.weights
    bias = w["bias_ih_l0"] + w["bias_hh_l0"]
    expected, _ = naive.rnn_direction(
        problem.x, [4] * 3, np.zeros((3, 6)), w["weight_ih_l0"], w["weight_hh_l0"], bias, "tanh", False
    )
    np.testing.assert_allclose(passes.forward().numpy(), expected, rtol=1e-5, atol=1e-6)
    assert passes.training().shape == (6, 6)
    np.testing.assert_array_equal(passes.training().numpy(), passes.training().numpy())  # gradients do not pile up


def installed(name):
    return all(importlib.util.find_spec(package) for package in peers.SYSTEMS[name].packages)


@pytest.mark.parametrize("name", [name for name in peers.SYSTEMS if name != peers.OURS and installed(name)])
def test_installed_peers_compute_the_same(name):
    problem = peers.problem(Shape(3, 4, 5, 6))
    ours, theirs = (peers.SYSTEMS[n].adapter(problem) for n in (peers.OURS, name))
    np.testing.assert_allclose(np.asarray(theirs.forward()).reshape(4, 3, 6), ours.forward(), rtol=1e-4, atol=1e-5)
    if theirs.training:
        np.testing.assert_allclose(np.asarray(theirs.training()), ours.training(), rtol=1e-4, atol=1e-5)


def test_worker_answers_requests_and_tells_errors():
    ours = worker.Worker("numbarnn")
    answer = ours.answer_or_error({"shape": [2, 3, 4, 5], "seconds": 1e-3})
    assert set(answer) == {FORWARD, TRAINING, "beside"}
    assert all(seconds > 0 and norm > 0 for seconds, norm in (answer[name] for name in shapes.PASSES))
    assert [bandwidth for _, bandwidth in answer["beside"]] == [None] * 3  # before, between and after the passes
    assert all(1e8 < peak < 1e15 for peak, _ in answer["beside"])
    for _, bandwidth in ours.answer_or_error({"shape": [1, 3, 4, 5], "seconds": 1e-3})["beside"]:
        assert 1e8 < bandwidth < 1e14
    assert ours.answer_or_error({"shape": [2, 3], "seconds": 1e-3})["error"].startswith("TypeError: ")


def test_optional_packages_are_imported_where_they_are_used_only():
    for path in (ROOT / "numbarnn" / "bench").glob("*.py"):
        top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in top for alias in node.names} | {getattr(node, "module", None) for node in top}
        assert not names & {"torch", "onnx", "onnxruntime", "jax", "matplotlib"}, path


# ---------------------------------------------------------------------------------------------------------------------
# the command


def bench(*arguments, cwd, path=()):
    """Run the command in a folder; modules in `path` come before installed ones."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    program = (
        "import sys; from numbarnn.bench import shapes; from numbarnn.__main__ import main; "
        "shapes.GRIDS['small'] = [shapes.Shape(2, 3, 4, 5), shapes.Shape(1, 3, 4, 5)]; "
        "sys.exit(main(['bench', *sys.argv[1:]]))"
    )
    command_line = [sys.executable, "-c", program, "--seconds", "0.01", "--rounds", "2", *arguments]
    return subprocess.run(command_line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def test_command_alone(tmp_path):
    done = bench("--systems", "numbarnn", "--json", "figures.json", "--no-plot", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "FMA peak" in done.stdout
    assert done.stdout.count(" microseconds\n\n| ") == 2
    assert "torch" not in done.stdout
    assert done.stderr.splitlines()[-1].endswith("4/4  done")
    data = json.loads((tmp_path / "figures.json").read_text())
    assert [row["pass"] for row in data["rows"]] == [FORWARD, TRAINING] * 2
    assert all(row["seconds"]["numbarnn"] > 0 and row["fraction of the limit"] > 0 for row in data["rows"])
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


BROKEN = {
    "does not import": ("raise RuntimeError('no such processor')", "no such processor"),
    "kills its process": ("import os; os._exit(3)", "ended with exit code 3"),
    "has no RNN": ("class nn: pass", "has no attribute 'RNN'"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_peer_is_told_and_the_others_go_on(how, tmp_path):
    source, message = BROKEN[how]
    (tmp_path / "torch.py").write_text(source)
    info = tmp_path / "torch-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9\n")
    done = bench("--systems", "torch", "--no-plot", cwd=tmp_path, path=[tmp_path])
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("Left out: torch: ")]
    assert len(told) == 1
    assert message in told[0]
    assert "numbarnn" in done.stdout.split("forward, microseconds")[1]


def test_an_interpreter_that_is_not_there(tmp_path):
    done = bench("--systems", "jax", "--python", "jax=/nonexistent", "--no-plot", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Left out: jax: " in done.stdout
    done = bench("--python", "numbarnn=/nonexistent", "--no-plot", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("numbarnn bench: numbarnn: ")


def test_what_is_not_installed_is_told_when_asked_for(monkeypatch):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda package: None)
    assert list(command.choose_interpreters(None, {})[0]) == ["numbarnn"]
    assert command.choose_interpreters(None, {})[1] == []
    assert command.choose_interpreters(["onnxruntime"], {})[1] == ["onnxruntime: onnxruntime and onnx not installed"]
    assert command.choose_interpreters(None, {"jax": "python"})[0] == {"numbarnn": sys.executable, "jax": "python"}


def test_results_that_differ_are_told():
    measure.check_norms(1.0, 1.001)
    with pytest.raises(measure.PeerError, match="computes something else: norm 2 where numbarnn has 1"):
        measure.check_norms(1.0, 2.0)


def test_shapes_out_of_time_are_told():
    steps: list[int] = []
    result = measure.side_by_side(
        {"numbarnn": sys.executable}, shapes.SMALL, 1, 1e-3, -math.inf, lambda done, total, note: steps.append(done)
    )
    assert result.rows == []
    assert result.failures == [f"out of time for {len(shapes.SMALL)} of {len(shapes.SMALL)} shapes"]
    assert steps[-1] == len(shapes.SMALL) + 2
