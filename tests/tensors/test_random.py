"""The generator: torch's numbers (written down here), ranges, and draws by several threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import random

#: seed, expression, what torch 2.13 gives
TORCH = [
    (0, "n.rand(4)", [0.49625658988952637, 0.7682217955589294, 0.08847743272781372, 0.13203048706054688]),
    (-1, "n.rand(2)", [0.9937993884086609, 0.5713063478469849]),
    (1099511627781, "n.rand(1)", [0.8302518725395203]),
    (7, "n.empty(3).uniform_(-0.25, 0.5)", [0.15119190514087677, -0.10089761018753052, 0.2444087713956833]),
    (1, "n.rand(2, dtype=n.float64)", [0.06105327471962363, 0.2245545065676504]),
    (
        0,
        "n.randn(5)",
        [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427],
    ),
    (7, "n.randint(0, 10, (6,))", [5, 2, 1, 6, 3, 7]),
    (7, "n.randint(-3, 2**33, (3,))", [4779768764, 640353999, 5671972717]),
    (7, "n.randperm(10)", [5, 0, 3, 4, 1, 7, 9, 6, 8, 2]),
    (2, "n.empty(3).normal_(2, 3)", [3.1768903732299805, 1.3293079137802124, 1.0414992570877075]),
    (
        4,
        "n.cat([n.rand(1), n.randn(3), n.randperm(3).float(), n.rand(1)])",
        [
            0.5596386194229126,
            -1.4875552654266357,
            0.2573140561580658,
            -0.3223978281021118,
            0.0,
            1.0,
            2.0,
            0.2148282527923584,
        ],
    ),
]


@pytest.mark.parametrize(("seed", "expression", "expected"), TORCH)
def test_draws_are_torchs(seed: int, expression: str, expected: list[Any]) -> None:
    numbarnn.manual_seed(seed)
    found = eval(expression, {"n": numbarnn})
    assert found.tolist() == expected


def test_long_normals_are_torchs_but_for_the_last_places() -> None:
    numbarnn.manual_seed(3)
    expected = [
        -0.076644294,
        0.35988152,
        -0.782016814,
        0.0715277344,
        1.04602277,
        0.522186995,
        -0.166809157,
        0.0530334003,
        0.404607147,
        0.611299634,
        0.760390401,
        -0.0336432606,
        0.997922421,
        0.459180444,
        2.43639708,
        -0.146808177,
        0.485114008,
        0.205234379,
        0.338428199,
        1.352754,
    ]
    np.testing.assert_allclose(numbarnn.randn(20).numpy(), expected, rtol=0, atol=5e-7)


def test_a_seed_starts_over_and_drops_the_spare_normal() -> None:
    numbarnn.manual_seed(5)
    first = numbarnn.randn(1).item()
    numbarnn.manual_seed(5)
    assert numbarnn.randn(1).item() == first


def test_manual_seed_returns_the_generator() -> None:
    assert numbarnn.manual_seed(7).initial_seed() == 7
    assert numbarnn.manual_seed(-1).initial_seed() == 2**64 - 1
    with pytest.raises(ValueError, match="64 bits"):
        numbarnn.manual_seed(2**64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_stays_within_its_bounds(dtype: Any) -> None:
    numbarnn.manual_seed(0)
    x = random.uniform((100, 1000), -0.25, 0.75, dtype)
    assert x.dtype == dtype
    assert x.min() >= -0.25
    assert x.max() <= 0.75
    assert abs(x.mean() - 0.25) < 0.01
    with pytest.raises(RuntimeError, match="uniform_ expects"):
        random.uniform((2,), 1, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normals_are_normal(dtype: Any) -> None:
    numbarnn.manual_seed(0)
    x = random.normal((100_000,), 2, 3, dtype)
    assert x.dtype == dtype
    assert abs(x.mean() - 2) < 0.05
    assert abs(x.std() - 3) < 0.05
    assert abs(np.mean(((x - 2) / 3) ** 4) - 3) < 0.1
    with pytest.raises(RuntimeError, match="std"):
        random.normal((2,), 0, -1)


def test_dropout_masks() -> None:
    numbarnn.manual_seed(0)
    mask = random.bernoulli_keep((100_000,), 0.3)
    assert mask.dtype == np.float32
    assert set(np.unique(mask).tolist()) == {0.0, float(np.float32(1) / np.float32(0.7))}
    assert abs((mask == 0).mean() - 0.3) < 0.01
    assert random.bernoulli_keep((5,), 1.0).tolist() == [0] * 5
    assert random.bernoulli_keep((5,), 0.0).tolist() == [1] * 5


def test_dropout_masks_compare_all_53_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    p = 0.7
    at = int(
        (1 - p) * 2**53
    )  # the draw that is the first to be dropped, and its neighbours, the upper bits not looked at
    near = [0, at - (1 << 32), at - 1, at, at + 1, at + (1 << 32), 2**53 - 1]
    assert at == (1 - p) * 2**53
    assert at % 2**32 not in (0, 2**32 - 1)
    draws = np.array([[(u >> 32) + (i << 21), u & 0xFFFFFFFF] for i, u in enumerate(near)], np.uint32)
    monkeypatch.setattr(random.default_generator, "bits32", lambda count: draws.reshape(-1)[:count])
    for dtype in (np.float32, np.float64):
        mask = random.bernoulli_keep((len(near),), p, dtype)
        assert mask.dtype == dtype
        assert mask.tolist() == [dtype(1) / dtype(1 - p) if u < at else 0 for u in near]
    assert random.bernoulli_keep((0, 3), p).shape == (0, 3)


def test_integers_and_permutations() -> None:
    numbarnn.manual_seed(0)
    x = numbarnn.randint(-2, 3, (1000,))
    assert sorted(set(x.tolist())) == [-2, -1, 0, 1, 2]
    assert numbarnn.randint(5, size=(2,)).shape == (2,)
    assert numbarnn.randint(low=2, high=3, size=(2,)).tolist() == [2, 2]
    assert sorted(numbarnn.randperm(50).tolist()) == list(range(50))
    with pytest.raises(RuntimeError, match="from=5 >= to=5"):
        numbarnn.randint(5, 5, (2,))
    with pytest.raises(TypeError, match="randint: expected"):
        numbarnn.randint(5)


def test_threads_share_the_sequence_without_losing_or_repeating_a_draw() -> None:
    numbarnn.manual_seed(0)
    expected = sorted(numbarnn.rand(4000).tolist())
    numbarnn.manual_seed(0)
    found: list[float] = []

    def draw() -> None:
        for _ in range(100):
            found.extend(numbarnn.rand(10).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == expected


@pytest.mark.parametrize(
    ("like", "by_memory"),
    [
        (lambda x: x, lambda x: x),
        (lambda x: x.permute(2, 0, 1), lambda x: x.permute(1, 2, 0)),
        (lambda x: x.transpose(0, 1)[:, ::2], lambda x: x.transpose(0, 1)),
    ],
)
def test_numbers_are_drawn_in_the_order_of_memory(like: Any, by_memory: Any) -> None:
    x = like(numbarnn.zeros(4, 3, 2) + 1)
    draws: list[Any] = [
        numbarnn.rand_like,
        lambda x: numbarnn.nn.functional.dropout(x, 0.5),
        lambda x: x.clone().uniform_(),
        lambda x: x.uniform_(),
    ]
    for draw in draws:
        x.fill_(1)
        numbarnn.manual_seed(0)
        found = by_memory(draw(x)).reshape(-1)
        numbarnn.manual_seed(0)
        assert found.tolist() == draw(numbarnn.ones(x.numel())).tolist()
    normals = numbarnn.randn_like(x)
    numbarnn.manual_seed(0)
    found = by_memory(numbarnn.randn_like(x)).reshape(-1).tolist()
    numbarnn.manual_seed(0)  # contiguous memory is filled in blocks, other in pairs
    assert found == (numbarnn.randn(x.numel()).tolist() if normals.is_contiguous() else pairs(x.numel()))


def pairs(count: int) -> list[float]:
    """Normals one by one."""
    return [value for _ in range(count) for value in numbarnn.randn(1).tolist()]
