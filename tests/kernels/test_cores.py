"""How many threads there are: what the user says, else what the system lets the process have."""

from __future__ import annotations

import math
import os

import numpy as np
import processes
import pytest

import numbarnn
from numbarnn.kernels.threads import cores, dispatch

#: prints the threads that are there once a call was worth any number of them
USED = """
import os, sys, threading
import workload
import numbarnn as nb
exec(sys.argv[1])
workload.train()
print(sum(thread.name.startswith("numbarnn-") for thread in threading.enumerate()) + 1)
"""


def threads_used(first: str = "", **environment: str) -> int:
    unset = {"NUMBA_NUM_THREADS": None, "OMP_NUM_THREADS": None}
    return int(processes.run(USED, first, **{**unset, **environment})[0])


def test_one_for_each_core_that_there_is_time_for():
    limit = cores.container_limit(cores.MEMBERSHIP, cores.HIERARCHIES)
    assert threads_used() == math.ceil(min(cores.allowed(), limit))


def test_numba_num_threads():
    assert threads_used(NUMBA_NUM_THREADS="3") == 3
    assert threads_used(NUMBA_NUM_THREADS="1") == 1


def test_omp_num_threads():
    assert threads_used(OMP_NUM_THREADS="1") == 1
    assert threads_used(OMP_NUM_THREADS="1,4") == 1
    assert threads_used(OMP_NUM_THREADS="999") == cores.allowed()


def test_the_nearer_variable_decides():
    assert threads_used(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="2") == 2


@pytest.mark.parametrize("value", ["", "0", "-1", "many"])
def test_what_is_no_number_of_threads_is_as_good_as_unset(value):
    assert threads_used(OMP_NUM_THREADS=value) == threads_used()


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (2, 2), (9, 3)])
def test_set_num_threads_decides_in_the_end(asked, given):
    assert threads_used(f"nb.set_num_threads({asked})", NUMBA_NUM_THREADS="3", OMP_NUM_THREADS="1") == given


def test_the_number_of_threads_is_an_int(monkeypatch):
    monkeypatch.setattr(dispatch, "limit", None)
    numbarnn.set_num_threads(np.int64(1))
    assert type(numbarnn.get_num_threads()) is int
    for count, message in (
        (1.0, "expects an int, but got float"),
        (True, "expects an int, but got bool"),
        ("1", "expects an int, but got str"),
        (0, "expects a positive integer, got 0"),
    ):
        with pytest.raises(RuntimeError, match=f"set_num_threads {message}"):
            numbarnn.set_num_threads(count)
    assert numbarnn.get_num_threads() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks on this platform")
def test_affinity_masks():
    one = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    assert threads_used(one) == 1  # after the import, as `taskset -p` does
    before = f"import os, numbarnn; {one}\n{USED}"
    assert processes.run(before, "", NUMBA_NUM_THREADS=None, OMP_NUM_THREADS=None)[0] == "1\n"
    assert threads_used(one, NUMBA_NUM_THREADS="2") == 2  # who asks for more gets it


# ---------------------------------------------------------------------------------------------------------------------
# CPU limits of containers

V2, V1 = "0::{}\n", "5:memory:/x\n4:cpu,cpuacct:{}\n0::/\n"
MAX, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"
#: what a process is a member of, the files of control groups, and the cores' worth of time that it has
CONTAINERS = {
    "version 2": (V2.format("/a/b"), {"a/b/cpu.max": "150000 100000\n"}, 1.5),
    "version 2, no limit": (V2.format("/a/b"), {"a/b/cpu.max": "max 100000\n"}, math.inf),
    "version 2, a group around it has less": (
        V2.format("/a/b"), {"a/b/cpu.max": "400000 100000", "a/cpu.max": "100000 50000"}, 2.0,
    ),
    "version 2, a group beside it has less": (
        V2.format("/a/b"), {"a/b/cpu.max": "400000 100000", "a/c/cpu.max": "1000 100000"}, 4.0,
    ),
    "version 2, from inside": (V2.format("/"), {"cpu.max": "50000 100000"}, 0.5),
    "version 2, a path of the host": (V2.format("/docker/0123"), {"cpu.max": "300000 100000"}, 3.0),
    "version 2, broken": (V2.format("/a"), {"a/cpu.max": "lots"}, math.inf),
    "version 1": (
        V1.format("/a"), {f"cpu,cpuacct/a/{MAX}": "250000\n", f"cpu,cpuacct/a/{PERIOD}": "100000\n"}, 2.5,
    ),
    "version 1, no limit": (V1.format("/a"), {f"cpu/a/{MAX}": "-1\n", f"cpu/a/{PERIOD}": "100000\n"}, math.inf),
    "version 1, from inside": (V1.format("/docker/0"), {f"cpu/{MAX}": "20000", f"cpu/{PERIOD}": "10000"}, 2.0),
    "no groups": ("", {}, math.inf),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_limit_of_a_container(name, tmp_path):
    membership, files, expected = CONTAINERS[name]
    for path, text in files.items():
        file = tmp_path / "cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "membership").write_text(membership)
    assert cores.container_limit(tmp_path / "membership", tmp_path / "cgroup") == expected


def test_where_nobody_knows_of_control_groups(tmp_path):
    assert cores.container_limit(tmp_path / "membership", tmp_path) == math.inf


@pytest.mark.parametrize(("limit", "expected"), [(0.5, 1), (1.0, 1), (1.5, 2), (64.0, 4), (math.inf, 4)])
def test_a_limit_is_rounded_up_and_no_more_than_there_are_cores(limit, expected, monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.setattr(cores.numba.config, "NUMBA_NUM_THREADS", 4)
    monkeypatch.setattr(cores.numba.config, "NUMBA_DEFAULT_NUM_THREADS", 4)
    monkeypatch.setattr(cores, "allowed", lambda: 4)
    monkeypatch.setattr(cores, "_openmp", lambda: None)
    monkeypatch.setattr(cores, "container_limit", lambda *_: limit)
    cores._limit.cache_clear()
    try:
        assert cores.count() == expected
    finally:
        cores._limit.cache_clear()
