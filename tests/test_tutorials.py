"""Programs as people write them, with only their import lines changed, print what torch prints.

The programs are in tutorials/, and beside each what torch 2.13 printed: values, reprs and falling losses.
"""

from __future__ import annotations

import re

import pytest

from tests.tutorials import runner


@pytest.mark.parametrize("program", runner.PROGRAMS)
def test_prints_what_torch_prints(program: str) -> None:
    runner.assert_same_print(runner.run(program, "numbarnn"), runner.recorded(program))


@pytest.mark.parametrize(
    "program", ["bidirectional", "characters", "sine_wave", "text_classification", "variable_lengths"]
)
def test_losses_fall(program: str) -> None:
    losses = [float(n) for n in re.findall(r"[lL]oss:? (\d+\.\d+)", runner.run(program, "numbarnn"))]
    assert len(losses) >= 4
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2


def test_comparison_of_prints_sees_differences() -> None:
    runner.assert_same_print("numbarnn.Size([2]) 0.12345 [1, 2]", "torch.Size([2]) 0.12346 [1, 2]")
    for different in (
        "torch.Size([3]) 0.12346 [1, 2]",
        "torch.Size([2]) 0.125 [1, 2]",
        "torch.Size([2]) 0.12346 [1, 3]",
    ):
        with pytest.raises(AssertionError):
            runner.assert_same_print("numbarnn.Size([2]) 0.12345 [1, 2]", different)
