"""No kernel reads or writes beyond its arrays, whatever the sizes are (guard_pages.py)."""

from __future__ import annotations

import sys

import processes
import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="pages are protected by Linux's mprotect")
@pytest.mark.parametrize("seed", ["1", "2"])
def test_nothing_is_touched_beyond_arrays(seed: str) -> None:
    out, _ = processes.run("import runpy; runpy.run_module('guard_pages', run_name='__main__')", seed, "120")
    assert out.count("Case(") == 120
