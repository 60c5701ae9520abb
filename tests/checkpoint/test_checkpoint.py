"""`save` and `load`: every format gives back what went in, and what torch 2.13 wrote (tests/golden/checkpoints)."""

from __future__ import annotations

import errno
import io
import os
import pickle
import stat
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
from checkpoint_cases import CASES, HALF, assert_same
from golden_files import CHECKPOINTS

import numbarnn
from numbarnn import nn
from numbarnn.checkpoint import CheckpointError, unpickler

FORMATS = (".pt", ".npz")


def through(value, tmp_path, ending=".pt"):
    path = tmp_path / f"file{ending}"
    numbarnn.save(value, path)
    return numbarnn.load(path)


@pytest.mark.parametrize("case", CASES)
def test_torch_saved_this(case):
    assert_same(numbarnn.load(CHECKPOINTS / f"{case}.pt"), CASES[case](numbarnn))


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_what_goes_in_comes_out(case, ending, tmp_path):
    assert_same(through(CASES[case](numbarnn), tmp_path, ending), CASES[case](numbarnn))


def test_half_precision_is_widened():
    loaded = numbarnn.load(CHECKPOINTS / "half.pt")
    assert list(loaded) == list(HALF)
    for name, values in HALF.items():
        assert loaded[name].dtype == np.float32
        np.testing.assert_array_equal(loaded[name].numpy(), np.float32(values))
        assert np.array_equal(np.signbit(loaded[name].numpy()), np.signbit(values))
    loaded["bfloat16"][2] = 7.0
    assert loaded["view"][0] == 7.0


@pytest.mark.parametrize("path", [CHECKPOINTS / "views.pt", None], ids=["torch's", "ours"])
def test_tensors_that_shared_memory_still_do(path, tmp_path):
    loaded = numbarnn.load(path) if path else through(CASES["views"](numbarnn), tmp_path)
    base = loaded["base"]
    assert loaded["same"] is base
    base[2, 3] = 100.0
    assert loaded["transposed"][3, 2] == loaded["element"] == loaded["columns"][2, 1] == 100.0
    strides = {name: tuple(s // t.numpy().itemsize for s in t.numpy().strides) for name, t in loaded.items()}
    assert strides["transposed"] == (1, 6)
    assert strides["columns"] == (6, 2)
    assert strides["expanded"] == (0, 0)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        loaded["expanded"].add_(1)


def test_backward_notices_a_write_to_shared_memory():
    loaded = numbarnn.load(CHECKPOINTS / "views.pt")
    x = numbarnn.ones(6, requires_grad=True)
    y = (x * loaded["rows"]).sum()
    loaded["base"].zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_only_the_memory_between_the_ends_is_stored(tmp_path):
    large = numbarnn.zeros(1_000_000)
    numbarnn.save({"part": large[500:600], "rest": large[700:800:2]}, tmp_path / "file.pt")
    assert (tmp_path / "file.pt").stat().st_size < 5_000
    reverse = numbarnn.from_numpy(np.arange(4.0)[::-1])
    assert through(reverse, tmp_path).tolist() == [3.0, 2.0, 1.0, 0.0]


def test_the_same_object_gives_the_same_bytes(tmp_path):
    for ending in FORMATS:
        files = [tmp_path / f"{n}{ending}" for n in "ab"]
        for file in files:
            numbarnn.save(CASES["training"](numbarnn), file)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_tensors_keep_their_strides(tmp_path):
    dense = nn.Parameter(numbarnn.arange(24.0).reshape(2, 3, 4).permute(1, 2, 0).clone())
    assert dense.stride() == (4, 1, 12)
    loaded = through({"x": dense, "part": dense.detach()[1:]}, tmp_path)
    assert_same(loaded, {"x": dense, "part": dense.detach()[1:]})
    assert loaded["x"].stride() == loaded["part"].stride() == (4, 1, 12)


def test_training_goes_on_from_a_checkpoint(tmp_path):
    def start():
        model = nn.RNN(2, 3)
        optimizer = numbarnn.optim.Adam(model.parameters(), lr=0.1)
        scheduler = numbarnn.optim.lr_scheduler.MultiStepLR(optimizer, [1, 3], gamma=0.5)
        return model, optimizer, scheduler

    def step(model, optimizer, scheduler):
        optimizer.zero_grad()
        model(numbarnn.ones(4, 2, 2))[0].sum().backward()
        optimizer.step()
        scheduler.step()

    whole = start()
    for number in range(4):
        if number == 2:
            saved = [part.state_dict() for part in whole]
            for ending in FORMATS:
                numbarnn.save(saved, tmp_path / f"file{ending}")
        step(*whole)
    for ending in FORMATS:
        resumed = start()
        for part, state in zip(resumed, numbarnn.load(tmp_path / f"file{ending}"), strict=True):
            part.load_state_dict(state)
        for _ in range(2):
            step(*resumed)
        for one, other in zip(whole[0].parameters(), resumed[0].parameters(), strict=True):
            assert numbarnn.equal(one, other)
        assert resumed[2].get_last_lr() == whole[2].get_last_lr()


def test_one_object_in_two_places_stays_one(tmp_path):
    for ending in FORMATS:
        loaded = through(CASES["parameters"](numbarnn), tmp_path, ending)
        assert loaded["again"] is loaded["parameter"]
        loaded["parameter"].data.fill_(7.0)
        assert loaded["again"].tolist() == [7.0, 7.0]


@pytest.mark.parametrize("value", [OrderedDict(), {}, [], None, 3, "word", float("nan"), True])
@pytest.mark.parametrize("ending", FORMATS)
def test_hardly_anything(value, ending, tmp_path):
    assert_same(through(value, tmp_path, ending), value)


@pytest.mark.parametrize(
    "key", ["weight:0", "folder/name", "c:x", "../x", "a\\b", "", "é", "\0", "x" * 2000, "numbarnn.json"]
)
def test_names_of_arrays(key, tmp_path):
    value = OrderedDict({key: numbarnn.ones(1), "other": numbarnn.zeros(1)})
    for ending in FORMATS:
        assert_same(through(value, tmp_path, ending), value)
    with np.load(tmp_path / "file.npz") as file:
        assert set(file) >= {"other"}


@pytest.mark.parametrize(
    "keys", [("tensor 1", ""), ("", "tensor 0"), ("", "tensor 0", "tensor 1"), ("tensor 2", "tensor 3", "", "\0")]
)
def test_no_two_arrays_have_one_name(keys, tmp_path):
    value = {key: numbarnn.full((number + 1,), float(number)) for number, key in enumerate(keys)}
    assert_same(through(value, tmp_path, ".npz"), value)
    value = {"a.b": numbarnn.ones(2), "tensor 2": numbarnn.full((3,), 7.0), "a": {"b": numbarnn.zeros(2)}}
    assert_same(through(value, tmp_path, ".npz"), value)


def test_members_beyond_the_limits_of_plain_zip(tmp_path, monkeypatch):
    monkeypatch.setattr("numbarnn.checkpoint.archive.MOST_BYTES", 1000)
    value = {"large": numbarnn.arange(1000), "small": numbarnn.ones(1)}
    for ending in FORMATS:
        assert_same(through(value, tmp_path, ending), value)
        check_alignment(tmp_path / f"file{ending}")


def test_a_state_dict_in_npz_is_nothing_but_arrays(tmp_path):
    state = nn.RNN(2, 3).state_dict()
    numbarnn.save(state, tmp_path / "file.npz")
    with np.load(tmp_path / "file.npz", allow_pickle=False) as file:
        assert file.files == list(state)
        for name, value in state.items():
            np.testing.assert_array_equal(file[name], value.numpy())
    assert nn.RNN(2, 3).load_state_dict(numbarnn.load(tmp_path / "file.npz")).missing_keys == []


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz_files_of_numpy(write, tmp_path):
    arrays = {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "half": np.float16([1.5, 2]),
        "zeros": np.zeros(10_000, np.float32),
        "folder/name": np.array(True),
        "uint16": np.uint16([65535]),
    }
    write(tmp_path / "file.npz", **arrays)
    loaded = numbarnn.load(tmp_path / "file.npz")
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name].numpy(), array)
        assert loaded[name].numpy().flags.writeable
    assert [loaded[name].dtype for name in ("big", "half")] == [np.int32, np.float32]


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([None])], ids=["str", "complex", "object"])
def test_npz_files_with_other_things_in_them_are_refused(array, tmp_path):
    np.savez(tmp_path / "file.npz", ok=np.zeros(1), bad=array)
    with pytest.raises(CheckpointError, match=r"file\.npz: 'bad\.npy': expected"):
        numbarnn.load(tmp_path / "file.npz")


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    state = {**CASES["numbers"](numbarnn), "transposed": numbarnn.arange(6.0).reshape(2, 3).t()}
    loaded = through(state, tmp_path, ".safetensors")
    assert_same({name: loaded[name] for name in state}, state)
    with pytest.raises(TypeError, match="expected nothing but tensors, got int at 'epoch'"):
        numbarnn.save({"w": numbarnn.ones(1), "epoch": 1}, tmp_path / "file.safetensors")
    with pytest.raises(TypeError, match="expected a dict of tensors by name, got list"):
        numbarnn.save([numbarnn.ones(1)], tmp_path / "file.safetensors")
    with pytest.raises(ValueError, match="expected names other than '__metadata__'"):
        numbarnn.save({"__metadata__": numbarnn.ones(2)}, tmp_path / "file.safetensors")
    assert len(numbarnn.load(tmp_path / "file.safetensors")) == len(state)


def test_safetensors_of_half_precision_are_widened():
    package = pytest.importorskip("safetensors.numpy")
    half = np.float16([1.5, -2.0])
    data = package.save({"x": half})
    loaded = numbarnn.load(io.BytesIO(data))["x"]
    assert loaded.dtype == np.float32
    assert loaded.tolist() == [1.5, -2.0]
    as_bfloat16 = data.replace(b'"F16"', b'"BF16"').replace(b" ", b"", 1)  # the header keeps its length
    assert numbarnn.load(io.BytesIO(as_bfloat16))["x"].tolist() == [0.125, -2.0]


def test_without_safetensors_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        numbarnn.save({"w": numbarnn.ones(1)}, tmp_path / "file.safetensors")
    with pytest.raises(ImportError, match="pip install safetensors"):
        numbarnn.load(io.BytesIO(b"\x02\0\0\0\0\0\0\0{}"))
    assert list(tmp_path.iterdir()) == []


def test_open_files_and_names(tmp_path):
    value = {"x": numbarnn.ones(2)}
    file = io.BytesIO()
    numbarnn.save(value, file)
    assert_same(numbarnn.load(file), value)
    for name in ("file.pt", "file.npz", "FILE.NPZ", "file.pth.tar", "file"):
        numbarnn.save(value, str(tmp_path / name))
        assert_same(numbarnn.load(str(tmp_path / name)), value)
        with open(tmp_path / f"open {name}", "wb") as out:
            numbarnn.save(value, out)
        assert (tmp_path / f"open {name}").read_bytes() == (tmp_path / name).read_bytes()
        with open(tmp_path / name, "rb") as source:
            assert_same(numbarnn.load(source), value)
    assert zip_names(tmp_path / "FILE.NPZ") == ["x.npy", "numbarnn.json"]
    os.rename(tmp_path / "file.npz", tmp_path / "renamed.pt")
    assert_same(numbarnn.load(tmp_path / "renamed.pt"), value)


def zip_names(path):
    with np.load(path) as file:
        return [name if name.endswith(".json") else f"{name}.npy" for name in file.files]


def test_arguments():
    file = CHECKPOINTS / "single.pt"
    for location in (None, "cpu", numbarnn.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: storage):
        assert numbarnn.load(file, location).shape == (2, 3)
    for only in (None, True, False):
        assert numbarnn.load(file, map_location="cpu", weights_only=only, mmap=only).shape == (2, 3)
    with pytest.raises(RuntimeError, match="expected a dict whose values are 'cpu', got 'cuda'"):
        numbarnn.load(file, {"cpu": "cuda:0"})
    with pytest.raises(TypeError, match="map_location: expected a device, its name, a dict or a function, got 3"):
        numbarnn.load(file, 3)
    with pytest.raises(TypeError, match="weights_only: expected a bool or None, got str"):
        numbarnn.load(file, weights_only="yes")
    assert numbarnn.load(file, None, pickle, encoding="latin1").shape == (2, 3)
    with pytest.raises(ValueError, match="load: pickle_module: expected the module pickle, got <module 'io'"):
        numbarnn.load(file, pickle_module=io)
    with pytest.raises(TypeError, match="errors"):
        numbarnn.load(file, errors="strict")
    with pytest.raises(FileNotFoundError):
        numbarnn.load(CHECKPOINTS / "nowhere.pt")
    with pytest.raises(AttributeError, match="You can only load from a file that is seekable"):
        numbarnn.load(3)
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'write'"):
        numbarnn.save({}, 3)
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        numbarnn.save({}, CHECKPOINTS / "nowhere" / "file.pt")


def tagged(value):
    value.tag = 1
    return value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (nn.RNN(2, 3), r"the object: expected .*, got RNN: save its state_dict\(\) instead"),
        ({"a": [1, frozenset()]}, r"the object\['a'\]\[1\]: expected .*, got frozenset$"),
        ({"a": {frozenset()}}, r"the object\['a'\]: expected keys that are a str, .*, got frozenset\(\)"),
        ({"a": range(2)}, r"the object\['a'\]: .*, got range$"),
        ({"a": np.dtype(">f4")}, r"the object\['a'\]: .*, got Float32DType$"),
        (tagged(numbarnn.ones(1)), "the object: expected no attributes of its own, .*'tag'"),
        ({"a": tagged(OrderedDict())}, r"the object\['a'\]: expected no attributes of its own, .*'tag'"),
        (defaultdict(dict), "the object: .*, got defaultdict$"),
        ({((1,), 2): 3}, r"the object: expected keys that are a str, a number of 64 bits, .*, got \(\(1,\), 2\)"),
        ({tuple(range(40)): 3}, "the object: expected keys that are a str, .* or a short tuple of these"),
        ({2**64: 3}, "the object: expected keys that are a str, a number of 64 bits, None"),
        ({"a": np.array([1j])}, r"the object\['a'\]: expected float32, float64, an integer type or bool"),
    ],
)
@pytest.mark.parametrize("ending", FORMATS)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(value, where, ending, tmp_path):
    path = tmp_path / f"file{ending}"
    numbarnn.save({"old": 1}, path)
    with pytest.raises(TypeError, match=where):
        numbarnn.save(value, path)
    assert numbarnn.load(path) == {"old": 1}
    assert os.listdir(tmp_path) == [path.name]


def test_objects_that_contain_themselves_or_are_too_large(tmp_path):
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="expected at most 100 containers inside one another"):
        numbarnn.save(loop, tmp_path / "file.pt")
    with pytest.raises(ValueError, match="expected ints of at most 255 bytes"):
        numbarnn.save(2**3000, tmp_path / "file.pt")
    for number in (10**5000, -(10**4300)):
        with pytest.raises(ValueError, match=r"save: \.npz: expected ints of at most 4300 digits, got one of \d+ bits"):
            numbarnn.save({"a": number}, tmp_path / "file.npz")
    assert list(tmp_path.iterdir()) == []
    assert through(10**4300 - 1, tmp_path, ".npz") == 10**4300 - 1


def test_numpy_numbers_and_arrays_become_pythons_and_tensors(tmp_path):
    value = {"loss": np.float32(0.5), "count": np.int64(3), "flag": np.bool_(True), "array": np.arange(3)}
    for ending in FORMATS:
        loaded = through(value, tmp_path, ending)
        assert [type(loaded[name]) for name in value] == [float, int, bool, numbarnn.Tensor]
        assert loaded["array"].tolist() == [0, 1, 2]


class Failing(io.BytesIO):
    """A file on a disk that fails after `reads` reads."""

    def __init__(self, data, reads):
        super().__init__(data)
        self.reads = reads

    def read(self, *size):
        self.reads -= 1
        if self.reads < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(*size)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_disk_that_fails_is_no_damaged_file(ending, tmp_path):
    numbarnn.save({"x": numbarnn.ones(2), "n": 1}, tmp_path / f"file{ending}")
    data = (tmp_path / f"file{ending}").read_bytes()
    whole = Failing(data, 1000)
    assert_same(numbarnn.load(whole), {"x": numbarnn.ones(2), "n": 1})
    reads = 1000 - whole.reads
    assert 10 < reads < 100
    for enough in range(reads):
        with pytest.raises(OSError, match="Input/output error") as caught:
            numbarnn.load(Failing(data, enough))
        assert caught.value.errno == errno.EIO


def test_arguments_of_save():
    files = [io.BytesIO() for _ in range(4)]
    for file, options in zip(files, ({}, {"pickle_module": pickle}, {"pickle_protocol": 5}, {}), strict=True):
        numbarnn.save([1], file, **options)
        assert file.getvalue() == files[0].getvalue()
    for options in ({"pickle_module": io}, {"pickle_protocol": "2"}, {"_use_new_zipfile_serialization": False}):
        with pytest.raises(ValueError, match="save: "):
            numbarnn.save([1], io.BytesIO(), **options)


def test_two_saves_into_one_file_are_refused():
    for name in ("file.pt", "file.npz"):
        file = io.BytesIO()
        file.name = name
        numbarnn.save([1], file)
        length = file.tell()
        numbarnn.save([2], file)
        with pytest.raises(CheckpointError, match=f"from the start of the file on, got {length} bytes before it"):
            numbarnn.load(file)


def test_pipes_and_text(tmp_path):
    ours, theirs = os.pipe()
    with open(theirs, "wb"), open(ours, "rb") as pipe, pytest.raises(io.UnsupportedOperation, match="is not seekable"):
        numbarnn.load(pipe)
    with pytest.raises(TypeError, match="expected a file opened in binary mode, got StringIO, which gives str"):
        numbarnn.load(io.StringIO("PK"))
    (tmp_path / "file").write_text("PK")
    with open(tmp_path / "file") as text, pytest.raises(TypeError, match="binary mode, got TextIOWrapper"):
        numbarnn.load(text)
    with pytest.raises(IsADirectoryError):
        numbarnn.load(tmp_path)


class FullDisk:
    """A file on a disk that is full after 300 bytes."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        if self.file.tell() > 300:
            raise OSError("No space left on device")
        return self.file.write(data)


def test_an_error_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.pt"
    numbarnn.save({"old": 1}, path)
    before = path.read_bytes()
    real = open

    def opened(name, mode, **options):
        file = real(name, mode, **options)
        return FullDisk(file) if mode == "xb" else file

    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(OSError, match="No space left"):
        numbarnn.save({"new": numbarnn.ones(100)}, path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file.pt"]


@pytest.mark.slow
def test_a_crash_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.pt"
    numbarnn.save({"old": 1}, path)
    program = f"""
import os, numbarnn
os.fsync = lambda descriptor: os._exit(9)  # all is written, nothing is renamed
numbarnn.save({{"new": numbarnn.ones(1000)}}, {str(path)!r})
"""
    assert subprocess.run([sys.executable, "-W", "error", "-c", program]).returncode == 9
    assert numbarnn.load(path) == {"old": 1}


@pytest.mark.skipif(os.name != "posix", reason="links and modes")
def test_links_modes_and_devices(tmp_path):
    path, link = tmp_path / "file.pt", tmp_path / "link.pt"
    numbarnn.save({"n": 1}, path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path)
    numbarnn.save({"n": 2}, link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert numbarnn.load(path) == {"n": 2}
    numbarnn.save({"n": 3}, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["\u6f22" * 83 + ".npz", "\U0001f600" * 62 + ".npz", "x" * 255], ids=len)
def test_names_as_long_as_they_may_be(name, tmp_path):
    assert 250 < len(os.fsencode(name)) <= 255
    numbarnn.save({"n": 1}, tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert numbarnn.load(tmp_path / name) == {"n": 1}


def test_members_start_at_multiples_of_64_bytes(tmp_path):
    for ending in FORMATS:
        numbarnn.save(CASES["weights"](numbarnn), tmp_path / f"file{ending}")
        check_alignment(tmp_path / f"file{ending}")


def check_alignment(path):
    data = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        for member in file.infolist():
            start = member.header_offset
            lengths = [int.from_bytes(data[start + at : start + at + 2], "little") for at in (26, 28)]
            assert (start + 30 + sum(lengths)) % 64 == 0


def test_metadata_of_a_torch_state_dict_is_kept(tmp_path):
    state = numbarnn.load(CHECKPOINTS / "weights.pt")
    assert isinstance(state, OrderedDict)
    assert state._metadata["0"] == {"version": 1}
    assert through(state, tmp_path)._metadata == state._metadata


def test_the_allow_list():
    assert set(unpickler.GLOBALS) == {
        "collections OrderedDict", "collections Counter", "torch Size", "torch device", "_codecs encode",
        *(f"__builtin__ {kind}" for kind in ("set", "bytes", "bytearray", "complex")),
        *(f"torch._utils _rebuild_{what}" for what in ("tensor_v2", "tensor_v3", "parameter")),
        *(f"torch {kind}Storage" for kind in (
            "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")),
        "torch.storage UntypedStorage", "torch bool",
        *(f"torch {kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        *(f"torch {kind}{bits}" for kind, bits in (
            ("float", 16), ("float", 32), ("float", 64), ("complex", 64), ("complex", 128))),
    }  # fmt: skip


def test_containers_in_several_places(tmp_path):
    value = [1, numbarnn.ones(1)]
    for _ in range(40):
        value = [value, value]
    loaded = through(value, tmp_path)
    assert (tmp_path / "file.pt").stat().st_size < 5000
    for _ in range(40):
        assert loaded[0] is loaded[1]
        loaded = loaded[0]
    with pytest.raises(ValueError, match="expected at most 2000000 values beside the tensors"):
        numbarnn.save(value, tmp_path / "file.npz")
    with pytest.raises(TypeError, match="expected nothing but tensors"):
        numbarnn.save({"a": value}, tmp_path / "file.safetensors")
    deep = []
    for _ in range(99):
        deep = [deep]
    assert_same(through([deep, [0]], tmp_path), [deep, [0]])
    with pytest.raises(ValueError, match="expected at most 100 containers"):
        numbarnn.save([deep, [[deep]]], tmp_path / "file.pt")


def test_what_load_would_refuse_for_its_length_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(unpickler, "MOST_OPERATIONS", 1000)
    floats = [float(number) for number in range(20_000)]
    assert through(floats, tmp_path) == floats
    with pytest.raises(ValueError, match=r"save: expected a pickle of at most .* operations: keep many numbers in"):
        numbarnn.save([[] for _ in range(20_000)], tmp_path / "file.pt")
