"""Files of every format are written whole or say so: interrupts, full disks, and files that take a part of a write."""

from __future__ import annotations

import io
import os
import socket
import threading

import numpy as np
import pytest

import numbarnn
from numbarnn.checkpoint import whole_files

MODEL = numbarnn.nn.RNN(3, 40)
VALUE = {"a": numbarnn.arange(5000.0), "b": numbarnn.ones(3, 4).t()}


def export(value, file):
    pytest.importorskip("onnx")
    numbarnn.onnx.export(MODEL, f=file)


def saved(ending):
    def save(value, file):
        if ending == ".safetensors":
            pytest.importorskip("safetensors")
        if not isinstance(file, str):
            file.name = f"file{ending}"
        numbarnn.save(value, file)

    return save


WRITERS = {ending: saved(ending) for ending in (".pt", ".npz", ".safetensors")}
WRITERS[".onnx"] = export


class Told:
    """A file whose `write` takes and returns what `take(data, number of the call)` says."""

    def __init__(self, take):
        self.take, self.calls, self.data = take, 0, bytearray()

    def write(self, data):
        self.calls += 1
        taken, answer = self.take(data, self.calls)
        self.data += data[:taken]
        return answer


class Raw(io.RawIOBase):
    """An unbuffered file that takes at most 100 bytes at a time, and None of them at the call `blocked`."""

    def __init__(self, blocked=0):
        self.data, self.calls, self.blocked = bytearray(), 0, blocked

    def writable(self):
        return True

    def write(self, data):
        self.calls += 1
        if self.calls == self.blocked:
            return None
        self.data += bytes(data[:100])
        return min(len(data), 100)


def whole(format):
    told = Told(lambda data, call: (len(data), len(data)))
    WRITERS[format](VALUE, told)
    return bytes(told.data)


def check_whole(format, found):
    """It is what was written; the header of .safetensors has no fixed order."""
    expected = whole(format)
    assert len(found) == len(expected) > 5000
    if format == ".safetensors":
        assert all(map(numbarnn.equal, numbarnn.load(io.BytesIO(found)).values(), VALUE.values()))
    else:
        assert found == expected


TAKES = {
    "half": lambda data, call: (len(data) // 2 or 1,) * 2,
    "a byte now and then": lambda data, call: (1, 1) if call % 3 == 0 else (len(data), len(data)),
    "all, and says nothing": lambda data, call: (len(data), None),
    "all, and says True": lambda data, call: (len(data), True),
}


@pytest.mark.parametrize("format", WRITERS)
def test_files_that_take_a_part_get_the_rest(format, monkeypatch):
    monkeypatch.setattr(whole_files, "_PIECE", 1000)
    for take in TAKES.values():
        told = Told(take)
        WRITERS[format](VALUE, told)
        check_whole(format, told.data)
    raw = Raw()
    WRITERS[format](VALUE, raw)
    check_whole(format, raw.data)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("answer", [0, -1, 10**9])
def test_files_that_take_nothing_are_an_error(format, answer):
    told = Told(lambda data, call: (0, answer))
    with pytest.raises(OSError, match=rf"a write of \d+ bytes took {answer}"):
        WRITERS[format](VALUE, told)
    with pytest.raises(BlockingIOError, match="cannot be written to without waiting"):
        WRITERS[format](VALUE, Raw(blocked=2))


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_pipes_and_sockets(format, kind):
    if kind == "pipe":
        source, target = (os.fdopen(end, mode, 0) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    else:
        sockets = socket.socketpair()
        source, target = (end.makefile(mode, 0) for end, mode in zip(sockets, ("rb", "wb"), strict=True))
        for end in sockets:
            end.close()
    received = []

    def read():
        while data := source.read(1000):
            received.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    with source:
        with target:
            WRITERS[format](VALUE, Told(lambda data, call: (0, target.write(data))))
        reader.join()
    check_whole(format, b"".join(received))


class Failing:
    """A file whose write number `call` raises `error`, after half of the data."""

    def __init__(self, file, error, call):
        self.file, self.error, self.call = file, error, call

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        self.call -= 1
        if self.call == 0:
            self.file.write(data[: len(data) // 2])
            raise self.error
        return self.file.write(data)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("No space left on device"), ValueError("closed")])
def test_what_a_write_raises_comes_out_and_the_old_file_stays(format, error, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_files, "_PIECE", 1000)
    path = tmp_path / f"file{format}"
    path.write_bytes(b"old")
    count = Told(lambda data, call: (len(data), len(data)))
    WRITERS[format](VALUE, count)
    assert count.calls > 5
    real = open
    for call in range(1, count.calls + 1):
        with pytest.raises(type(error)) as caught:
            WRITERS[format](VALUE, Failing(io.BytesIO(), error, call))
        assert caught.value is error

        def opened(name, mode, call=call, **options):
            return Failing(real(name, mode, **options), error, call)

        with monkeypatch.context() as context:
            context.setattr("builtins.open", opened)
            with pytest.raises(type(error)) as caught:
                WRITERS[format](VALUE, str(path))
        assert caught.value is error
        assert os.listdir(tmp_path) == [path.name]
        assert path.read_bytes() == b"old"


def test_what_a_file_keeps_is_its_own():
    """As a tensor that is written to later would change it."""
    parts = []
    value = {"a": numbarnn.zeros(1000)}
    told = Told(None)
    told.write = lambda data: parts.append(data)
    numbarnn.save(value, told)
    value["a"].fill_(1.0)
    assert numbarnn.load(io.BytesIO(b"".join(parts)))["a"].sum() == 0
    assert all(type(part) is bytes for part in parts)


@pytest.mark.parametrize("ending", [".pt", ".npz"])
def test_arrays_without_elements(ending):
    value = {"a": numbarnn.zeros(0, 3), "b": numbarnn.from_numpy(np.zeros((2, 0, 5))), "c": numbarnn.tensor(2.0)}
    told = Told(TAKES["half"])
    WRITERS[ending](value, told)
    loaded = numbarnn.load(io.BytesIO(bytes(told.data)))
    assert [loaded[name].shape for name in "abc"] == [(0, 3), (2, 0, 5), ()]
