"""Files that are run as code: whoever else may write them, or the folder that they are in, has them refused."""

from __future__ import annotations

import os
import stat

import pytest

from numbarnn.kernels.compile import trusted

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes on this platform")
NAME, CONTENT = "kernel.nbc", b"machine code"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "ours" / "version"
    trusted.make(path)
    trusted.write(path, NAME, CONTENT)
    return path


def _elsewhere(path):
    return path.rename(path.parent.with_name("elsewhere"))


def _link(path):
    path.symlink_to(_elsewhere(path))


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


def _folder(path):
    path.unlink()
    path.mkdir()


#: what others may have done, and for how much of it the message has a name
PLANTED = {
    "a file for the group": (lambda folder: (folder / NAME).chmod(0o664), "written by others"),
    "a file for all": (lambda folder: (folder / NAME).chmod(0o646), "written by others"),
    "a folder for the group": (lambda folder: folder.chmod(0o775), "written by others"),
    "a folder for all": (lambda folder: folder.chmod(0o757), "written by others"),
    "a folder as /tmp is": (lambda folder: folder.chmod(0o1777), "written by others"),
    "a pipe": (lambda folder: _pipe(folder / NAME), "something else in the place of a file"),
    "a folder for a file": (lambda folder: _folder(folder / NAME), "something else in the place of a file"),
    "a link to a file": (lambda folder: _link(folder / NAME), "symbolic link"),
    "a link to a folder": (_link, "symbolic link|Not a directory"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_others_may_have_written_is_not_read(folder, name):
    assert trusted.read(folder, NAME) == CONTENT
    plant, message = PLANTED[name]
    plant(folder)
    with pytest.raises(OSError, match=message):
        trusted.read(folder, NAME)


@pytest.mark.parametrize(
    "name", ["a folder for the group", "a folder for all", "a folder as /tmp is", "a link to a folder"]
)
def test_a_folder_that_others_may_write_is_not_written(folder, name):
    plant, message = PLANTED[name]
    plant(folder)
    before = sorted(folder.iterdir())
    for act in (trusted.make, lambda path: trusted.write(path, "new.nbc", CONTENT)):
        with pytest.raises(OSError, match=message):
            act(folder)
    assert sorted(folder.iterdir()) == before


#: who owns the files, of four users, and whether a process of user 1 takes them; user 2 owns the package
OWNERS = {"root": (0, True), "the user": (1, True), "who installed the package": (2, True), "another": (3, False)}


@pytest.mark.parametrize("of", ["file", "folder"])
@pytest.mark.parametrize("owner", OWNERS)
def test_owners(folder, monkeypatch, owner, of):
    number, taken = OWNERS[owner]
    true, path = os.fstat, folder / NAME if of == "file" else folder

    def fstat(handle):
        found = true(handle)
        fields = list(found)
        fields[stat.ST_UID] = number if found.st_ino == path.stat().st_ino else 1
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", fstat)
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    monkeypatch.setattr(trusted, "_PACKAGE", {2})
    if taken:
        assert trusted.read(folder, NAME) == CONTENT
    else:
        with pytest.raises(trusted.Refused, match="belongs to another user, 3"):
            trusted.read(folder, NAME)


@pytest.mark.parametrize(("mask", "mode"), [(0, 0o755), (0o002, 0o755), (0o022, 0o755), (0o077, 0o700)])
def test_what_is_made_is_for_the_user_alone(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        trusted.make(tmp_path / "a" / "b")
        trusted.write(tmp_path / "a" / "b", NAME, CONTENT)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / place).stat().st_mode) for place in ("a", "a/b")] == [mode, mode]
    assert stat.S_IMODE((tmp_path / "a" / "b" / NAME).stat().st_mode) == mode & 0o644
    assert trusted.read(tmp_path / "a" / "b", NAME) == CONTENT


def test_a_file_that_cannot_be_written_leaves_nothing(folder):
    with pytest.raises(TypeError):
        trusted.write(folder, "other.nbc", "no bytes")
    (folder / "taken.nbc").mkdir()
    with pytest.raises(IsADirectoryError):
        trusted.write(folder, "taken.nbc", CONTENT)
    assert sorted(path.name for path in folder.iterdir()) == [NAME, "taken.nbc"]
