"""What all tests have: random numbers, and a mark on those that a contributor's short run leaves out."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in each run."""
    return np.random.default_rng(5)
