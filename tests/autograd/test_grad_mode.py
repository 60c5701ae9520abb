"""Switching the recording off and on: blocks, decorators, threads."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from leaves import leaf

import numbarnn
from numbarnn import Tensor


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


SWITCHES = {
    "no_grad": (numbarnn.no_grad(), True, False),
    "no_grad without parentheses": (numbarnn.no_grad, True, False),
    "inference_mode": (numbarnn.inference_mode(), True, False),
    "inference_mode(False)": (numbarnn.inference_mode(False), False, True),
    "enable_grad": (numbarnn.enable_grad, False, True),
    "set_grad_enabled(False)": (numbarnn.set_grad_enabled(False), True, False),
    "set_grad_enabled(True)": (numbarnn.set_grad_enabled(True), False, True),
}
numbarnn.set_grad_enabled(True)


def asked(switch: Any) -> dict[str, Callable[[], list[bool]]]:
    """By each kind of function: the mode that its body finds, each time that it is resumed."""
    now = numbarnn.is_grad_enabled

    @switch
    def function() -> bool:
        return now()

    @switch
    def generator() -> Iterator[bool]:
        yield now()
        try:
            yield now()
        except KeyError:
            yield now()
        finally:
            seen.append(now())

    @switch
    async def coroutine() -> list[bool]:
        found = [now()]
        await asyncio.sleep(0)
        return [*found, now()]

    @switch
    async def stream() -> AsyncIterator[bool]:
        yield now()
        await asyncio.sleep(0)
        try:
            yield now()
        except KeyError:
            yield now()
        finally:
            seen.append(now())

    def in_steps() -> list[bool]:
        steps = generator()
        found = [next(steps), next(steps), steps.throw(KeyError)]
        steps.close()
        return [*found, seen.pop(), *generator(), seen.pop()]

    async def in_waits() -> list[bool]:
        steps = stream()
        found = [await steps.__anext__(), await steps.__anext__(), await steps.athrow(KeyError)]
        await steps.aclose()
        return [*found, seen.pop(), *[mode async for mode in stream()], seen.pop()]

    seen: list[bool] = []
    return {
        "function": lambda: [function()],
        "generator": in_steps,
        "coroutine": lambda: asyncio.run(coroutine()),
        "async generator": lambda: asyncio.run(in_waits()),
    }


@pytest.mark.parametrize("kind", ["function", "generator", "coroutine", "async generator"])
@pytest.mark.parametrize("name", SWITCHES)
def test_what_is_decorated_has_the_mode_whenever_it_runs(name: str, kind: str) -> None:
    switch, before, inside = SWITCHES[name]
    with numbarnn.set_grad_enabled(before):
        assert set(asked(switch)[kind]()) == {inside}
        assert numbarnn.is_grad_enabled() is before


def test_the_caller_of_a_generator_keeps_its_own_mode() -> None:
    @numbarnn.no_grad()
    def double(x: Tensor) -> Generator[Tensor, float, str]:
        factor = yield x * 2
        yield x * factor
        return "done"

    w, steps = leaf(1), double(leaf(1))
    assert not next(steps).requires_grad
    assert (w * 2).requires_grad
    assert steps.send(3).item() == 3
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == "done"
    assert inspect.isgeneratorfunction(double)


def test_tasks_in_turn_keep_their_own_modes() -> None:
    async def ask(number: int) -> list[bool]:
        found = []
        for _ in range(3):
            found.append(numbarnn.is_grad_enabled())
            await asyncio.sleep(0)
        return found

    async def both() -> list[list[bool]]:
        return await asyncio.gather(numbarnn.no_grad()(ask)(1), ask(2))

    assert asyncio.run(both()) == [[False] * 3, [True] * 3]


def test_to_decorate_a_class_warns() -> None:
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):
        made = numbarnn.no_grad()(dict)
    assert made(a=1) == {"a": 1}


def test_set_grad_enabled_made_before_it_is_entered() -> None:
    switch = numbarnn.set_grad_enabled(False)
    numbarnn.set_grad_enabled(True)
    for _ in range(2):
        with switch:
            assert not numbarnn.is_grad_enabled()
        assert numbarnn.is_grad_enabled()
    assert repr(switch) == "numbarnn.set_grad_enabled(mode=False)"
    with pytest.raises(TypeError, match="must be bool, not int"):
        numbarnn.set_grad_enabled(0)


def test_nothing_is_recorded_in_inference_mode_whatever_is_enabled() -> None:
    w = leaf(1)
    with numbarnn.inference_mode(), numbarnn.enable_grad():
        assert numbarnn.is_grad_enabled()
        assert not (w * 2).requires_grad
        assert not w[:1].requires_grad
        with numbarnn.inference_mode(False):
            assert (w * 2).requires_grad
