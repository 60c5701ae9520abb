"""Which shapes count as cliffs, on made-up timings: no time of this machine is asserted."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product

import pytest

from numbarnn.__main__ import main
from numbarnn.bench import sweep
from numbarnn.bench.cliffs import MOST_OPERATIONS, Cliff, Spot, find
from numbarnn.bench.shapes import FORWARD, PASSES, TRAINING

GRID = sweep.grid()
#: a call, and one operation on one full vector
CALL, OPERATION = 1e-5, 1e-11


def times(cost: Callable[[Spot], float] = lambda spot: 1.0, name: str = FORWARD) -> dict[Spot, float]:
    """A call, and operations at `cost` times OPERATION each."""
    return {spot: CALL + cost(spot) * OPERATION * spot.operations(name) for spot in GRID}


def found(seconds: dict[Spot, float], bandwidth: dict[int, float] | None = None, name: str = FORWARD) -> list[Cliff]:
    return find(seconds, name, bandwidth or {})


def panels(spot: Spot) -> float:
    """Columns are computed 32 at a time, whether they are there or not."""
    return -(-spot.H // 32) * 32 / spot.H


def test_the_grid() -> None:
    assert len(set(GRID)) == len(GRID)
    for B, T, H in product(sweep.BATCHES, sweep.STEPS, sweep.WIDTHS):
        measured = {spot.steps for spot in GRID if spot[:4] == (B, T, H, 1.0)}
        assert measured or any(Spot(B, t, H).steps == Spot(B, T, H).steps for t in sweep.STEPS if t < T)
    assert {spot.layers for spot in GRID} == {1, 2, 3, 4}
    assert {spot.directions for spot in GRID} == {1, 2}
    assert {spot.inputs / spot.H for spot in GRID if spot.H == 1024} == {1 / 16, 1, 4}
    assert any(spot.nonlinearity == "relu" for spot in GRID)
    for spot in GRID:  # no more than the limit, or than a single step
        assert spot.steps == 1 or spot.operations(FORWARD) <= MOST_OPERATIONS


def test_work_of_a_spot() -> None:
    spot = Spot(B=3, T=5, H=4, ratio=2.0, layers=2, directions=2)
    weights_ih, weights_hh = 2 * 4 * (8 + 2 * 4), 2 * 2 * 4 * 4
    assert spot.operations(FORWARD) == 2 * 3 * 5 * (weights_ih + weights_hh)
    assert spot.operations(TRAINING) == 3 * spot.operations(FORWARD)
    assert spot.bytes_moved(FORWARD) == 4 * (weights_ih + 5 * weights_hh)
    assert spot.bytes_moved(TRAINING) == 2 * spot.bytes_moved(FORWARD) + 8 * (weights_ih + weights_hh)
    assert str(spot) == "B 3 T 5 I 8 H 4 layers 2 both directions"


@pytest.mark.parametrize("name", PASSES)
def test_no_cliff_where_time_is_a_call_and_operations(name: str) -> None:
    assert found(times(name=name), name=name) == []
    assert found(times(panels, name), name=name) == []
    assert found(times(lambda s: 1 + 3 / s.B, name), name=name) == []  # few rows fill no tile


def test_one_slow_shape_is_found_with_what_it_is_beside() -> None:
    slow = Spot(8, 50, 512)
    (cliff,) = found(times(lambda s: 2.0 if s == slow else 1.0))
    assert cliff.spot == slow
    assert cliff.factor == pytest.approx(2, rel=0.05)
    assert all(side._replace(**{cliff.axis: getattr(slow, cliff.axis)}) == slow for side in cliff.neighbours)
    assert found(times(lambda s: 1.4 if s == slow else 1.0)) == []


def test_a_slow_plane_is_found_along_the_axis_that_crosses_it() -> None:
    cliffs = found(times(lambda s: 3.0 if s.H == 257 else 1.0))
    large = [spot for spot in GRID if spot.H == 257 and spot.operations(FORWARD) * OPERATION > CALL]
    assert {cliff.spot for cliff in cliffs} >= set(large)
    assert {cliff.spot.H for cliff in cliffs} == {257}
    assert {cliff.axis for cliff in cliffs} == {"H"}


def test_a_step_upwards_is_found_where_it_begins_only() -> None:
    cliffs = found(times(lambda s: 2.0 if s.H >= 800 else 1.0))
    assert {cliff.spot.H for cliff in cliffs} == {800}


def test_memory_excuses_a_step() -> None:
    bandwidth = {H: 1e9 for H in sweep.WIDTHS if H >= 800}

    def waiting(spot: Spot) -> float:
        memory = spot.bytes_moved(FORWARD) / bandwidth.get(spot.H, 1e30)
        return max(1.0, memory / (OPERATION * spot.operations(FORWARD)))

    slow = times(waiting)
    assert 800 in {cliff.spot.H for cliff in found(slow)}
    assert found(slow, bandwidth) == []
    twice = {spot: 2 * seconds if spot.H == 1000 else seconds for spot, seconds in slow.items()}
    assert {cliff.spot.H for cliff in found(twice, bandwidth)} == {1000}


def test_a_slow_call_is_found_though_it_is_no_more_than_a_call() -> None:
    tiny = Spot(2, 1, 8)
    seconds = times()
    seconds[tiny] += 0.4 * CALL  # noise
    assert found(seconds) == []
    seconds[tiny] += CALL
    assert [cliff.spot for cliff in found(seconds)] == [tiny]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axis", "value"), [("nonlinearity", "relu"), ("directions", 2), ("layers", 3), ("ratio", 4.0), ("T", 672)]
)
def test_every_axis_is_judged(axis: str, value: object) -> None:
    cliffs = found(times(lambda s: 4.0 if getattr(s, axis) == value else 1.0))
    assert {(cliff.axis, getattr(cliff.spot, axis)) for cliff in cliffs} == {(axis, value)}


@pytest.mark.slow
def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    spots = [Spot(B, 3, H, **more) for B in (1, 2) for H in (4, 8) for more in ({}, {"layers": 2, "directions": 2})]
    monkeypatch.setattr(sweep, "grid", lambda: spots)
    monkeypatch.setattr(sweep, "BANDWIDTH_SECONDS", 1e-3)
    path = tmp_path / "times.json"
    assert main(["cliffs", "--seconds", "60", "--limit", "1000", "--only", "B 2 ", "--json", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out.count("4 of 4 shapes without a cliff") == 2
    assert "4/4" in told.err
    rows = json.loads(path.read_text())["rows"]
    assert {row["pass"] for row in rows} == set(PASSES)
    assert all(row["B"] == 2 and 0 < row["seconds"] < 10 for row in rows)


def test_shapes_out_of_time_are_told() -> None:
    spots = [Spot(1, 1, 4), Spot(2, 1, 4)]
    seconds, _, missing = sweep.sweep(spots, 0.0, 1.5, lambda done, total, note: None)
    assert missing == 2
    assert seconds == {name: {} for name in PASSES}
    assert found(seconds[FORWARD]) == []


def test_what_looks_like_a_cliff_is_measured_again_with_its_neighbours() -> None:
    slow = Spot(8, 50, 512)
    seconds = {name: times(lambda s: 2.0 if s == slow else 1.0, name) for name in PASSES}
    again = sweep.suspects(seconds, {}, 1.5)
    assert again[0] == slow
    assert {slow._replace(B=B) for B in (7, 12)} | {slow._replace(H=H) for H in (257, 800)} <= set(again)


def test_a_report() -> None:
    slow, smaller, larger = Spot(8, 50, 512), Spot(3, 50, 512), Spot(16, 50, 512)
    seconds = {smaller: 1e-3, slow: 8e-3, larger: 6e-3}
    lines = sweep.report([Cliff(slow, "B", 2.5, 8e-3, (smaller, larger))], seconds).splitlines()
    assert lines[0] == " 2.50 times the expected: B 8 T 50 I 512 H 512: 8000 us (with B 3: 1000 us, 16: 6000 us)"
    assert lines[1] == "2 of 3 shapes without a cliff"
    many = [Cliff(slow, "B", 2.5, 8e-3, (smaller, larger))] * (sweep.SHOWN + 3)
    assert sweep.report(many, seconds).splitlines()[-2] == "and 3 more"
