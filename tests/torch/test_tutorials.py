"""What is recorded beside the programs of tutorials/ is what torch prints."""

from __future__ import annotations

import pytest

from tests.tutorials import runner

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("program", runner.PROGRAMS)
def test_recorded_print(program: str) -> None:
    printed = runner.run(program, "torch")
    assert "numbarnn" not in printed
    runner.assert_same_print(printed, runner.recorded(program))
