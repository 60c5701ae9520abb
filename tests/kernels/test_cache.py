"""Compiled kernels on disk: used where they are right, made anew where they are not, and never in the way."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numba
import processes
import pytest
from numba.core.registry import cpu_target

from numbarnn.kernels.compile import announce, fingerprint, folders, leftovers, trusted
from numbarnn.kernels.compile.cache import KernelCache

#: one kernel, the quickest to compile
PROGRAM = """
import sys
import numpy as np
from numbarnn.kernels.product import packing
panels = packing.packed(np.arange(6, dtype=np.float32).reshape(2, 3))
assert panels[:3].tolist() == [0, 1, 2] and panels[len(panels) // 2 :][:3].tolist() == [3, 4, 5]
"""
#: what each line on stderr says
LINES = {
    r"compiling kernels for this CPU, some \d+ for a first output, .*; they are kept in /.*": "kept",
    r"compiling kernels for this CPU in every process, .*, for they cannot be kept: .*NUMBA_CACHE_DIR.*": "nowhere",
    r"the \d+ in /\S+ are for another CPU, or other versions of Python, NumPy or Numba": "others",
    r"not used: /.*": "not used",
    r"a compiled kernel cannot be kept: .*": "not kept",
    r"\d+ kernels are compiled": "",  # where that takes long
}


def told(lines):
    """What the lines on stderr, or those that a hook got, are about."""
    found = [[kind for line, kind in LINES.items() if re.fullmatch(line, given)] for given in lines]
    assert all(map(len, found)), lines
    return " ".join(filter(None, [kinds[0] for kinds in found]))


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A cache folder with the kernels of PROGRAM."""
    folder = tmp_path_factory.mktemp("warm")
    assert stderr(folder) == "kept"
    return folder


@pytest.fixture
def cache(warm, tmp_path):
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(warm, tmp_path / "cache"))


def said(err):
    """What a program's stderr is about."""
    assert all(line.startswith("numbarnn: ") for line in err.splitlines()), err
    return told([line.removeprefix("numbarnn: ") for line in err.splitlines()])


def stderr(cache, home=processes.ROOT, **environment):
    """What PROGRAM's stderr is about: nothing where its kernels are there."""
    return said(processes.run(PROGRAM, home=home, NUMBA_CACHE_DIR=str(cache), **environment)[1])


def files(cache):
    found = sorted(cache.rglob("*.nbc"))
    assert found
    return found


def test_a_second_process_compiles_nothing(cache):
    before = {file: file.stat().st_mtime_ns for file in files(cache)}
    assert stderr(cache) == ""
    assert {file: file.stat().st_mtime_ns for file in files(cache)} == before


def _truncate(file):
    file.write_bytes(file.read_bytes()[:-1000])


def _flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _sign(file, payload):
    file.write_bytes(hashlib.sha256(file.name.encode() + payload).digest() + payload)


def _become_a_folder(file):
    file.unlink()
    file.mkdir()


DAMAGE = {
    "empty": lambda file: file.write_bytes(b""),
    "truncated": _truncate,
    "one bit": _flip,
    "of another program": lambda file: file.write_bytes(b"GIF89a" * 1000),
    "whole, but no pickle": lambda file: _sign(file, b"hello"),
    "whole, but of something else": lambda file: _sign(file, b"\x80\x04]\x94."),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_broken_file_is_made_anew(cache, name):
    for file in files(cache):
        DAMAGE[name](file)
    assert stderr(cache) == "kept"
    assert stderr(cache) == ""


class Planted:
    """What makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A file as good as ours, for what it is signed with is no secret, and what tells whether it is run."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(announce, "begin", lambda package, surroundings, refused: None)
    kernel, target = KernelCache(Planted.__reduce__), cpu_target.target_context
    folder, marker = next(folders.candidates(kernel._package)), tmp_path / "it ran"
    trusted.make(folder)
    file = folder / kernel._name((), target.codegen())
    _sign(file, pickle.dumps(Planted(marker)))

    def runs():
        marker.unlink(missing_ok=True)
        assert kernel.load_overload((), target) is None
        return marker.exists()

    return file, runs


#: what another user can do to a folder and its kernels, from the moment that he may write to it
SHARED = {
    "a folder for all": lambda file: file.parent.chmod(0o777),
    "a folder as /tmp is": lambda file: file.parent.chmod(0o1777),
    "a folder for the group": lambda file: file.parent.chmod(0o775),
    "a file for all": lambda file: file.chmod(0o666),
    "a file for the group": lambda file: file.chmod(0o664),
    "a link to a file": lambda file: file.symlink_to(file.rename(file.with_suffix(".other"))),
    "a link to a folder": lambda file: file.parent.symlink_to(file.parent.rename(file.parent.with_suffix(".other"))),
}
if hasattr(os, "geteuid") and os.geteuid() == 0:
    SHARED["the folder of another"] = lambda file: os.chown(file.parent, 54321, 54321)
    SHARED["the file of another"] = lambda file: os.chown(file, 54321, 54321)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes on this platform")
@pytest.mark.parametrize("name", SHARED)
def test_what_another_user_may_have_planted_is_not_run(planted, name):
    file, runs = planted
    assert runs()  # what a cache folder holds is code
    SHARED[name](file)
    assert not runs()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes on this platform")
def test_a_user_gets_a_folder_that_others_may_not_write(cache):
    """Of the same version, beside the one that others may have written to."""
    first = files(cache)[0]
    before = {file.parent.name for file in files(cache)}
    first.unlink()
    os.mkfifo(first)  # does not hang
    first.parent.chmod(0o777)
    assert stderr(cache) == "kept not used"
    assert stderr(cache) == ""
    assert (
        "not used: "
        in processes.run("from numbarnn import config; config.show_config()", NUMBA_CACHE_DIR=str(cache))[0]
    )
    assert {file.parent.name for file in files(cache)} == {*before, f"{first.parent.name}-{os.geteuid()}"}


def test_the_file_of_another_kernel_is_not_taken(cache):
    whole = {file: file.read_bytes() for file in files(cache)}
    for file, content in zip(whole, reversed(whole.values()), strict=True):
        file.write_bytes(content)
    assert stderr(cache) == "kept"


def test_a_folder_in_the_place_of_a_file_is_tolerated(cache):
    """One line for each package's folder says so, and one that its kernels are not kept."""
    _, *others = {file.parent for file in files(cache)}
    for file in files(cache):
        _become_a_folder(file)
    assert stderr(cache) == " ".join(["kept", "not used", "not kept", *["not used" for _ in others]])


def test_processes_that_compile_at_once_leave_a_whole_cache(tmp_path):
    together = [processes.start(PROGRAM, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(3)]
    assert [said(processes.finish(process)[1]) for process in together] == ["kept"] * 3
    assert stderr(tmp_path) == ""
    assert not list(tmp_path.rglob("*.tmp"))


def copied(folder):
    """The package, installed elsewhere."""
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(processes.ROOT / "numbarnn", folder / "numbarnn", ignore=ignored).parent


def test_an_edit_counts_whatever_the_time_stamp_says(cache, tmp_path):
    home = copied(tmp_path)
    assert stderr(cache, home) == ""  # the place is no part of the key
    source = home / "numbarnn" / "kernels" / "simd" / "target.py"
    text, stamp = source.read_text(), source.stat()
    source.write_text(text.replace("CACHE_LINE = 64", "CACHE_LINE = 32"))  # as long as before
    assert source.read_text() != text
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert stderr(cache, home) == "kept"
    assert stderr(cache, home) == ""
    source.write_text(text)
    assert stderr(cache, home) == ""  # the older version is still there


#: an edit of a file of kernels/, and whether the kernel of PROGRAM, of `product`, is compiled anew
EDITS = {
    "a docstring of its own": ("product/packing.py", '"""Copies of matrices', '"""Copies, of matrices', False),
    "a comment": ("product/packing.py", "from __future__", "# anything\nfrom __future__", False),
    "a docstring below": ("simd/tile.py", '"""a + b."""', '"""The sum of two tiles,\n    a and b."""', False),
    "its own package": ("product/peak.py", "2.0 * size", "3.0 * size", True),
    "what is below": ("simd/tile.py", "[-0.0]", "[+0.0]", True),
    "what is above": ("recurrence/projection.py", "AHEAD = 192", "AHEAD = 193", False),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_is_compiled_anew_after_an_edit(cache, tmp_path, name):
    file, old, new, expected = EDITS[name]
    home = copied(tmp_path)
    source = home / "numbarnn" / "kernels" / file
    text = source.read_text()
    assert text.count(old) >= 1
    source.write_text(text.replace(old, new, 1))
    assert stderr(cache, home) == ("kept" if expected else "")


def test_every_source_is_in_the_keys_of_its_package_and_of_those_above(tmp_path):
    """However deep it lies: an edit of any file of kernels/ changes these keys, and no others."""
    home = copied(tmp_path)
    deep = home / "numbarnn" / "kernels" / "product" / "deep"
    deep.mkdir()
    (deep / "__init__.py").write_text("")
    (deep / "file.py").write_text("x = 1\n")
    program = """
import json, sys, pathlib
from numbarnn.kernels.compile import fingerprint
kernels, found = pathlib.Path(sys.argv[1]), {}
before = fingerprint._keys()
for path in sorted(kernels.rglob("*.py")):
    text = path.read_text()
    path.write_text(text + "\\nedited = True\\n")
    after = fingerprint._keys()
    found[str(path.relative_to(kernels))] = sorted(name for name in before if before[name] != after[name])
    path.write_text(text)
print(json.dumps([fingerprint.KEYS == before, found]))
"""
    same, found = json.loads(processes.run(program, str(home / "numbarnn" / "kernels"), home=home)[0])
    assert same
    assert len(found) == len(list(deep.parents[1].rglob("*.py")))
    assert "product/deep/file.py" in found
    for file, changed in found.items():
        package = file.partition("/")[0] if "/" in file else None
        above = {name for name, below in fingerprint.BELOW.items() if package in below.split()}
        assert set(changed) == {package, *above} & set(fingerprint.KEPT), file
    others = [file for file, changed in found.items() if not changed and not file.startswith("cuda/")]
    assert others == ["__init__.py", "backend.py"]  # no kernels, and nothing that is compiled into one


#: neither a folder that was named nor a home
HOMELESS = {"HOME": os.devnull, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, "PYTHONDONTWRITEBYTECODE": "1"}


def test_read_only_install_and_no_home(tmp_path):
    home = copied(tmp_path)
    (home / "numbarnn" / "kernels" / "__pycache__").write_text("")  # root may write anywhere, but not here
    assert said(processes.run(PROGRAM, home=home, **HOMELESS)[1]) == "nowhere"


def test_the_install_is_read_before_the_home(cache, tmp_path):
    """As in an image that one user has built and another runs."""
    home = copied(tmp_path)
    shutil.copytree(cache, home / "numbarnn" / "kernels" / "__pycache__")
    assert processes.run(PROGRAM, home=home, **HOMELESS)[1] == ""


def test_a_chosen_folder_that_cannot_be_written(tmp_path):
    assert stderr(os.devnull) == "nowhere"


def _version(number, folder, *names):
    """A folder as another version would leave it, not used for the longer the smaller its number."""
    path = folder / f"numbarnn-product-{number:016x}"
    path.mkdir()
    for name in names or (f"_pack_matrix-01234567-{number:032x}.nbc", f"_dot-{number:032x}.nbc.{number:016x}.tmp"):
        (path / name).write_text("kept")
    os.utime(path, (number, number))
    return path


def _linked(folder, kind):
    """Beside the cache, and in it under a name of ours."""
    elsewhere = _version(20, folder.parent)
    target = elsewhere if kind == "folder" else next(elsewhere.iterdir())
    place = folder / f"numbarnn-product-{0:016x}"
    if kind == "folder":
        place.symlink_to(target)
    else:
        place.mkdir()
        (place / target.name).symlink_to(target)
    return place


#: what lies in a cache folder, older than all the versions there, and is no leftover
NOT_OURS = {
    "a project of the user's": lambda folder: _version(0, folder).rename(folder / "numbarnn-project0"),
    "a name of another length": lambda folder: _version(0, folder).rename(
        folder / "numbarnn-product-0123456789abcdef0"
    ),
    "a file": lambda folder: (folder / "numbarnn-product-0123456789abcdef").write_text("mine"),
    "a file of the user's inside": lambda folder: _version(0, folder, f"a-01234567-{0:032x}.nbc", "notes.txt"),
    "a folder inside": lambda folder: (_version(0, folder) / f"a-01234567-{0:032x}.nbc").mkdir() or folder,
    "a hidden file inside": lambda folder: _version(0, folder, ".git"),
    "nothing inside": lambda folder: (folder / f"numbarnn-product-{0:016x}").mkdir(),
    "a copy of one inside": lambda folder: _version(0, folder, f"a-01234567-{0:032x}.nbc.backup.tmp"),
    "a longer name inside": lambda folder: _version(0, folder, f"a-01234567-{0:032x}.nbc.txt"),
    "a version of another package": lambda folder: _version(0, folder).rename(folder / f"numbarnn-simd-{0:016x}"),
    "a folder that others may write": lambda folder: _version(0, folder).chmod(0o777),
    "a link to a folder": lambda folder: _linked(folder, "folder"),
    "a link to a file": lambda folder: _linked(folder, "file"),
}


def _tree(folder):
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NOT_OURS)
def test_only_folders_of_old_versions_are_removed(tmp_path, name):
    cache = tmp_path / "cache"
    cache.mkdir()
    NOT_OURS[name](cache)
    for path in cache.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    for number in range(10, 14):
        _version(number, cache)
    before = _tree(tmp_path)
    leftovers.remove(cache / "numbarnn-product-ffffffffffffffff")
    gone = cache / f"numbarnn-product-{10:016x}"
    assert _tree(tmp_path) == {path: content for path, content in before.items() if gone not in (path, *path.parents)}


#: a relative NUMBA_CACHE_DIR, and where the program is when it imports numbarnn and when it computes
GOES = {
    "to another folder": "import os, numbarnn; os.mkdir('elsewhere'); os.chdir('elsewhere')",
    "from a folder that is gone": (
        "import os, numba; os.mkdir('x'); os.chdir('x'); os.rmdir('../x'); import numbarnn; os.chdir('/')"
    ),
}


@pytest.mark.parametrize("where", GOES)
def test_a_relative_folder_is_where_the_program_began(tmp_path, where):
    home = copied(tmp_path)
    program = GOES[where] + PROGRAM
    err = said(processes.run(program, home=home, NUMBA_CACHE_DIR="kernels")[1])
    if "gone" in where:
        assert err == "nowhere"
        return
    assert err == "kept"
    assert files(home / "kernels")
    assert not any((home / "elsewhere").iterdir())


def test_old_versions_go_when_a_new_one_comes(cache):
    versions = {file.parent for file in files(cache)}
    (version,) = (folder for folder in versions if folder.name.startswith("numbarnn-product-"))
    others = [_version(number, cache) for number in range(6)]
    shutil.rmtree(version)
    assert stderr(cache) == "kept"
    assert sorted(cache.iterdir()) == sorted([*versions, *others[3:]])


def test_versions_that_were_used_today_stay(tmp_path):
    others = [_version(number, tmp_path) for number in range(6)]
    for path in others:
        os.utime(path)
    leftovers.remove(tmp_path / "numbarnn-product-ffffffffffffffff")
    assert sorted(tmp_path.iterdir()) == others


def test_a_folder_that_is_written_to_meanwhile_stays(tmp_path, monkeypatch):
    others = [_version(number, tmp_path) for number in range(6)]
    unlink = os.unlink

    def slowly(name, dir_fd):
        if name.endswith(f"{0:032x}.nbc"):
            (others[0] / "late").touch()
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", slowly)
    leftovers.remove(tmp_path / "numbarnn-product-ffffffffffffffff")
    assert sorted(tmp_path.iterdir()) == [others[0], *others[3:]]
    assert [path.name for path in others[0].iterdir()] == ["late"]


def test_the_line_goes_to_the_hook(tmp_path):
    program = "import numbarnn; numbarnn.config.on_compile(lambda line: print('told:', line))" + PROGRAM
    out, err = processes.run(program, NUMBA_CACHE_DIR=str(tmp_path / "told"))
    assert (told([line.removeprefix("told: ") for line in out.splitlines()]), err) == ("kept", "")
    program = "import numbarnn; numbarnn.config.on_compile(None)" + PROGRAM
    assert processes.run(program, NUMBA_CACHE_DIR=str(tmp_path / "nobody")) == ("", "")


#: hooks that wait for another thread, which computes, or that compute themselves
WAITING = {
    "for a thread": "thread = threading.Thread(target=compute); thread.start(); thread.join()",
    "for a lock": "with lock: told.append(line)",
    "for itself": "compute()",
}


@pytest.mark.parametrize("name", WAITING)
def test_a_hook_may_wait_for_what_needs_the_compiler(tmp_path, name):
    """Whoever compiles holds a lock, and so may a hook that logs, or one that asks another thread."""
    program = f"""
import threading
import numpy as np
import numbarnn
from numbarnn.kernels.product import packing

lock, holds, told = threading.RLock(), threading.Event(), []

def compute():
    packing.packed(np.ones((2, 3), np.float64))
    told.append("computed")

def busy():
    with lock:
        holds.set()
        compiling.wait()
        compute()

compiling = threading.Event()

def hook(line):
    compiling.set()
    if not told:
        {WAITING[name]}
    told.append(line)

thread = threading.Thread(target=busy)
thread.start()
holds.wait()
numbarnn.config.on_compile(hook)
packing.packed(np.ones((2, 3), np.float32))
thread.join()
assert "computed" in told
"""
    assert processes.run(program, NUMBA_CACHE_DIR=str(tmp_path)) == ("", "")


def test_what_a_hook_raises_comes_out_of_the_call(tmp_path):
    """And nothing is as it was not before: the kernel is compiled by the next call."""
    program = """
import numpy as np
import numbarnn
from numbarnn.kernels.product import packing

def refuse(line):
    raise LookupError(line)

numbarnn.config.on_compile(refuse)
try:
    packing.packed(np.ones((2, 3), np.float32))
except LookupError as error:
    assert "compiling" in str(error)
else:
    raise AssertionError
numbarnn.config.on_compile(None)
assert packing.packed(np.ones((2, 3), np.float32))[0] == 1
"""
    assert processes.run(program, NUMBA_CACHE_DIR=str(tmp_path)) == ("", "")


def test_recompiled_kernels_are_not_written_to_the_cache(cache):
    """As after a change of what a kernel refers to, of which no key knows."""
    program = PROGRAM + "packing._pack_matrix.recompile()"
    before = {file: file.stat().st_mtime_ns for file in files(cache)}
    assert said(processes.run(program, NUMBA_CACHE_DIR=str(cache))[1]) == "kept"
    assert {file: file.stat().st_mtime_ns for file in files(cache)} == before


FACTORY = """
import sys
from numbarnn.kernels.compile import jit

def adding(n):
    @jit.kernel
    def add(x):
        return x + n
    return add

one, two = adding(1), adding(2)

@jit.kernel
def both(x):
    return one(x) * 100 + two(x)

exec(sys.argv[1])
"""


def test_code_of_two_processes_is_not_mixed_up(tmp_path):
    """Of two kernels out of one factory, another process has compiled one: both gave theirs the same number."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    processes.run(FACTORY, "assert two(0.0) == 2", **environment)
    processes.run(FACTORY, "assert both(0.0) == 102", **environment)
    assert len(list(tmp_path.rglob("add*.nbc"))) == 2
