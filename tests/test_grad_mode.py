"""Switching the recording off and on: blocks, decorators, threads."""

from __future__ import annotations

import threading

import pytest

import numbarnn
from numbarnn import Tensor


def leaf(*values: float) -> Tensor:
    return numbarnn.tensor(list(values), dtype=numbarnn.float32, requires_grad=True)


def test_recording_can_be_switched_off_and_on() -> None:
    w = leaf(1)
    with numbarnn.no_grad():
        assert not (w * 2).requires_grad
        with numbarnn.enable_grad():
            assert (w * 2).requires_grad
        assert not numbarnn.is_grad_enabled()
    with numbarnn.inference_mode():
        assert not (w * 2).requires_grad
        with numbarnn.inference_mode(False):
            assert (w * 2).requires_grad
    assert numbarnn.is_grad_enabled()


@pytest.mark.parametrize("switch", [numbarnn.no_grad, numbarnn.no_grad(), numbarnn.inference_mode()])
def test_switches_decorate_functions(switch: object) -> None:
    @switch  # type: ignore[misc]  # any of three ways to write it
    def function(x: Tensor) -> Tensor:
        """Says what it does."""
        return x * 2

    assert not function(leaf(1)).requires_grad
    assert function.__doc__ == "Says what it does."
    assert numbarnn.is_grad_enabled()


def test_set_grad_enabled_acts_at_once_and_is_undone() -> None:
    numbarnn.set_grad_enabled(False)
    try:
        assert not numbarnn.is_grad_enabled()
        with numbarnn.set_grad_enabled(True):
            assert numbarnn.is_grad_enabled()
        assert not numbarnn.is_grad_enabled()
    finally:
        numbarnn.set_grad_enabled(True)

    @numbarnn.set_grad_enabled(False)
    def inside() -> bool:
        return numbarnn.is_grad_enabled()

    assert numbarnn.is_grad_enabled()
    assert inside() is False


def test_an_error_inside_puts_the_mode_back() -> None:
    @numbarnn.no_grad()
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(KeyError), numbarnn.no_grad():
        raise KeyError
    assert numbarnn.is_grad_enabled()


def test_the_mode_is_each_threads_own() -> None:
    seen = []
    with numbarnn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(numbarnn.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
