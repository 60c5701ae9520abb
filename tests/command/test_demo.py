"""`python -m numbarnn`: the demo learns, tells the truth, draws, and stops when told to."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numbarnn import __main__ as command_line
from numbarnn import config
from numbarnn.command import progress
from numbarnn.demo import command, evaluation, model, report, sunspots
from numbarnn.demo.evaluation import LINEAR, NAIVE, RNN, Result, evaluate

YEARS, NUMBERS = sunspots.load()
TRAINING = NUMBERS[YEARS < sunspots.HELD_OUT]


def silent(epoch: int, loss: float) -> None:
    pass


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(model.train(TRAINING, command.EPOCHS, seed=0, on_epoch=silent), YEARS, NUMBERS)


# ---------------------------------------------------------------------------------------------------------------------
# the data


def test_data_is_what_its_provenance_says() -> None:
    folder = resources.files("numbarnn") / "data"
    data = (folder / "sunspots.csv").read_bytes()
    assert hashlib.sha256(data).hexdigest() in (folder / "PROVENANCE.md").read_text(encoding="utf-8")
    assert len(data) < 60_000


def test_data() -> None:
    assert YEARS.tolist() == list(range(1700, 2009))
    assert NUMBERS.dtype == np.float32
    assert NUMBERS[[0, 257, 308]].tolist() == pytest.approx([5, 190.2, 2.9])


def test_examples_are_windows_and_what_follows_each_of_their_years() -> None:
    numbers = np.arange(1, 61, dtype=np.float32)
    inputs, targets = sunspots.examples(numbers)
    count = 60 - sunspots.WINDOW - sunspots.HORIZON + 1
    assert inputs.shape == (count, sunspots.WINDOW, 1)
    assert targets.shape == (count, sunspots.WINDOW, sunspots.HORIZON)
    mean = numbers[2 : 2 + sunspots.WINDOW].mean()
    np.testing.assert_allclose((inputs[2, :, 0] + 1) * mean, numbers[2 : 2 + sunspots.WINDOW], rtol=1e-5)
    np.testing.assert_allclose((targets[2, 7] + 1) * mean, numbers[10 : 10 + sunspots.HORIZON], rtol=1e-5)


# ---------------------------------------------------------------------------------------------------------------------
# learning


def test_beats_every_naive_forecast_clearly(result: Result) -> None:
    error = result.errors[RNN]
    for name in NAIVE:
        assert error[0] < 0.7 * result.errors[name][0]
        assert error.mean() < 0.75 * result.errors[name].mean()
        assert (error < result.errors[name]).all()
    assert error.mean() < 0.95 * result.errors[LINEAR].mean()


def test_same_seed_same_forecast_and_another_seed_another() -> None:
    first, again, other = (model.train(TRAINING, 2, seed, silent) for seed in (1, 1, 2))
    past = sunspots.windows(NUMBERS, sunspots.WINDOW)[-3:]
    np.testing.assert_array_equal(model.forecast(first, past), model.forecast(again, past))
    assert not np.array_equal(model.forecast(first, past), model.forecast(other, past))


def test_no_held_out_year_reaches_training_or_an_earlier_forecast(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    seen = []
    changed = np.where(YEARS < sunspots.HELD_OUT, NUMBERS, np.float32(7))
    real = model.train
    monkeypatch.setattr(command, "train", lambda numbers, *rest: seen.append(numbers) or real(numbers, *rest))
    for numbers in (NUMBERS, changed):
        monkeypatch.setattr(command, "load", lambda numbers=numbers: (YEARS, numbers))
        assert command_line.main(["demo", "--epochs", "1", "--no-plot"]) == 0
    np.testing.assert_array_equal(seen[0], seen[1])
    assert len(seen[0]) == sunspots.HELD_OUT - YEARS[0]
    trained = real(TRAINING, 1, 0, silent)
    first, second = (evaluate(trained, YEARS, numbers).ahead for numbers in (NUMBERS, changed))
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


def test_baselines() -> None:
    past = np.arange(2 * sunspots.WINDOW, dtype=np.float32).reshape(2, sunspots.WINDOW)
    assert evaluation.persistence(past)[1].tolist() == [65] * 11
    assert evaluation.one_cycle_ago(past)[0].tolist() == list(range(22, 33))
    wave = np.sin(np.arange(200)) + 2  # a sine and a constant obey a linear recurrence
    forecast = evaluation.Autoregression(wave[:150])(wave[None, 150 - sunspots.WINDOW : 150])
    np.testing.assert_allclose(forecast, wave[None, 150 : 150 + sunspots.HORIZON], atol=1e-6)
    assert evaluation.errors(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[0.0, 5.0], [0.0, 5.0]])).tolist() == [
        pytest.approx(5**0.5),
        0,
    ]


# ---------------------------------------------------------------------------------------------------------------------
# what is said and drawn


def made_up(rnn: float, naive: float, linear: float) -> Result:
    """Errors that are the same for every year ahead, and a level forecast."""
    errors = dict(zip((RNN, *NAIVE, LINEAR), (rnn, naive, 2 * naive, linear), strict=True))
    held_out = int((YEARS >= sunspots.HELD_OUT).sum())
    ahead = np.full((held_out + 1, sunspots.HORIZON), 100.0)
    return Result(YEARS, NUMBERS, ahead, {k: np.full(sunspots.HORIZON, v) for k, v in errors.items()})


def test_report_says_who_is_best_even_when_it_is_not_the_rnn() -> None:
    won = report.verdict(made_up(10, 20, 12.5))
    assert won.count("best is: RNN") == 2
    assert won.count("50 % below that of the best naive forecast (same as the last year)") == 2
    assert won.count("20 % below that of the linear autoregression") == 2
    lost = report.verdict(made_up(30, 20, 25))
    assert lost.count("best is: same as the last year") == 2
    assert lost.count("50 % above that of the best naive forecast") == 2
    assert lost.count("20 % above") == 2


def test_table(result: Result) -> None:
    rows = report.table(result).splitlines()[3:]
    assert rows[0].split() == ["years", "ahead", "1", "2", "3", "5", "8", "11", "mean"]
    assert len({len(row) for row in rows}) == 1
    for row, (name, error) in zip(rows[1:], result.errors.items(), strict=True):
        assert row.startswith(name)
        numbers = [float(n) for n in row[len(name) :].split()]
        expected = [*error[[0, 1, 2, 4, 7, 10]], error.mean()]
        assert numbers == pytest.approx(expected, abs=0.051)


def test_sketch_shows_observations_and_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii:
        encoding = "ascii"

    lines = report.sketch(made_up(1, 2, 3)).splitlines()
    assert max(map(len, lines)) <= 80
    marked = [line for line in lines[3:] if "●" in line]
    assert len(marked) == 1  # a level forecast is one row
    assert marked[0].count("●") == 2009 + sunspots.HORIZON - sunspots.HELD_OUT
    column = 7 + 1979 - sunspots.HELD_OUT  # a maximum of 155.4 on a scale to 200
    heights = [line.ljust(80)[column] for line in lines[3 : 3 + report.HEIGHT]]
    assert heights == [*" " * 3, "▇", *"█" * 2, "●", *"█" * 7]
    monkeypatch.setattr(sys, "stdout", Ascii())
    text = report.sketch(made_up(1, 2, 3))
    assert text.isascii()
    assert "o" * 60 in text


def test_progress(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for done in range(1, 41):
        progress.show(done, 40, "loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["10/40", "20/40", "30/40", "40/40"]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for done in range(1, 41):
        progress.show(done, 40, "loss 0.5")
    drawn = capsys.readouterr().err
    assert drawn.count("\r") == 40
    assert drawn.count("\n") == 1
    assert drawn.endswith(f"[{'#' * 30}] 40/40  loss 0.5\n")


# ---------------------------------------------------------------------------------------------------------------------
# the commands


@pytest.mark.slow
def test_demo_writes_a_picture(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "sub.png"
    assert command_line.main(["demo", "--epochs", "2", "--output", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    assert path.stat().st_size > 30_000
    printed = capsys.readouterr()
    assert f"The forecasts as a picture: {path}" in printed.out
    assert re.search(r"Trained an RNN of 491 weights in \d+\.\d s", printed.out)
    assert "2/2  loss" in printed.err


def test_demo_sketches_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "forecast.png"
    assert command_line.main(["demo", "--epochs", "1", "--output", str(path)]) == 0
    assert not path.exists()
    printed = capsys.readouterr().out
    assert "Mean sunspot number of the year" in printed
    assert "With matplotlib installed, this is a picture" in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no/such/folder/forecast.png", "forecast.words"])
def test_demo_says_when_it_cannot_write(name: str, tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    assert command_line.main(["demo", "--epochs", "1", "--output", str(tmp_path / name)]) == 1
    assert f"cannot write {tmp_path / name}: " in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--epochs", "0"], ["--epochs", "many"], ["--seed", "x"], ["--nonsense"]])
def test_demo_refuses_wrong_options(wrong: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        command_line.main(["demo", *wrong])
    assert "error:" in capsys.readouterr().err


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "train", interrupted)
    assert command_line.main(["demo"]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")


@pytest.mark.slow
def test_as_a_process(tmp_path: Path) -> None:
    arguments = [sys.executable, "-W", "error", "-m", "numbarnn", "demo", "--epochs", "3", "--no-plot"]
    output = tmp_path / "forecast.png"
    done = subprocess.run([*arguments, "--output", str(output)], capture_output=True, text=True, check=True)
    assert "linear autoregression" in done.stdout
    assert not output.exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process on Windows")
def test_ctrl_c_in_a_process() -> None:
    # A job in the background is started with SIGINT ignored, and hands that down: the program has to hear it.
    program = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.argv = ['numbarnn', 'demo', '--epochs', '1000000', '--no-plot']; "
        "runpy.run_module('numbarnn', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "training on 1700 to 1959" in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.endswith("interrupted\n")


def test_info(capsys: Any) -> None:
    assert command_line.main(["info"]) == 0
    printed = capsys.readouterr().out
    for name, value in config.configuration().items():
        assert re.search(rf"^{re.escape(name)} +{re.escape(value)}$", printed, re.MULTILINE)


def test_version_help_and_no_command(capsys: Any) -> None:
    for arguments, code in ((["--version"], 0), (["--help"], 0), ([], 2), (["nonsense"], 2)):
        with pytest.raises(SystemExit) as stopped:
            command_line.main(arguments)
        assert stopped.value.code == code
    printed = capsys.readouterr().out
    assert re.search(r"^numbarnn \d", printed)
    for name, entry in command_line.COMMANDS.items():
        assert name in printed
        assert entry.help in printed
