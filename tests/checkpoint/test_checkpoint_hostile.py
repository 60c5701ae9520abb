"""Files that are malicious, damaged or absurd: one error, nothing run, little memory, no partial result."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import CASES, assert_same
from golden_files import CHECKPOINTS

import numbarnn
from numbarnn.checkpoint import CheckpointError, archive, bounded_json, npz, safetensors_file, unpickler


def zipped(members, compression=zipfile.ZIP_STORED):
    """A zip file of {name: bytes}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return file.getvalue()


def torch_file(pickled, **storages):
    return zipped({"a/data.pkl": pickled, "a/version": b"3", **{f"a/data/{n[1:]}": d for n, d in storages.items()}})


def saved(value, name="file.pt"):
    file = io.BytesIO()
    file.name = name
    numbarnn.save(value, file)
    return file.getvalue()


def load(data):
    """What is in `data`, with a bound on the memory that reading it takes."""
    tracemalloc.start()
    try:
        return numbarnn.load(io.BytesIO(data))
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20 + 30 * len(data)


def refused(data, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        load(data)
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, pickle.UnpicklingError)


# ---------------------------------------------------------------------------------------------------------------------
# pickles that would run something


class Attack:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(marker):
    code = f"open({str(marker)!r}, 'w')"
    return {
        "system": Attack(os.system, f"touch {marker}"),
        "eval": Attack(eval, code),
        "exec": Attack(exec, code),
        "open": Attack(open, str(marker), "w"),
        "getattr": Attack(getattr, marker, "touch"),
        "path": marker,
        "module": numbarnn.nn.RNN(1, 1),
        "array": np.zeros(2),
        "function": os.system,
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("attack", attacks(Path("marker")))
def test_a_malicious_pickle_is_refused_and_does_not_run(attack, protocol, tmp_path):
    marker = tmp_path / "marker"
    pickled = pickle.dumps({"weight": [1.0], "x": attacks(marker)[attack]}, protocol)
    refused(torch_file(pickled), "refused, and nothing of it was run")
    refused(pickled, "a bare pickle|not a checkpoint")
    assert not marker.exists()
    if attack == "open":
        pickle.loads(pickled)["x"].close()
        assert marker.exists(), "it would have run"


@pytest.mark.parametrize(
    "name",
    ["os system", "posix system", "builtins eval", "torch load", "torch._utils _rebuild_tensor", "torch.nn Module",
     "collections defaultdict", "numbarnn load", "torch  FloatStorage", "torch FloatTensor", "_codecs decode",
     "__builtin__ getattr", "builtins set", "torch bfloat16"],
)  # fmt: skip
def test_names_outside_the_list_are_refused_before_reading(name):
    good = zipfile.ZipFile(CHECKPOINTS / "weights.pt").read("weights/data.pkl")
    module, _, attribute = name.partition(" ")
    bad = good[:-1] + f"c{module}\n{attribute}\n0.".encode()

    def storage_of(identity):
        raise AssertionError("a storage was read")

    with pytest.raises(CheckpointError, match=f"it names '{name.replace(' ', '.')}'"):
        unpickler.Unpickler(storage_of).load(bad)


def test_an_object_array_in_an_npz_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "marker"
    file = io.BytesIO()
    np.savez(file, weight=np.zeros(2), evil=np.array([Attack(open, str(marker), "w")], object))
    refused(file.getvalue(), r"'evil\.npy': expected")
    assert not marker.exists()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('f', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        "__import__('os').abort()",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 100 + "), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }",
        "{'descr': '<f4', 'fortran_order': False}",
        "(" * 9000,
        "-" * 9000,
        " " * 20000,
    ],
    ids=range(12),
)
def test_headers_of_arrays(header):
    start = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode()
    refused(zipped({"x.npy": start + bytes(4)}), "x.npy|the file is damaged")


# ---------------------------------------------------------------------------------------------------------------------
# pickles of nonsense

TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu%stQ"
HOOKS = b"ccollections\nOrderedDict\n)R"


def number(n):
    data = n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tensor(offset=0, size=(4,), stride=(1,), count=4, grad=b"\x89", hooks=HOOKS):
    """The pickle of a tensor in a storage of four float32."""
    shape, steps = (b"(" + b"".join(map(number, numbers)) + b"t" for numbers in (size, stride))
    return TENSOR + b"(" + STORAGE % number(count) + number(offset) + shape + steps + grad + hooks + b"tR"


BYTES = STORAGE.replace(b"ctorch\nFloatStorage", b"ctorch.storage\nUntypedStorage") % b"K\x10"


def typed(storage=BYTES, size=b"K\x08", dtype=b"ctorch\nuint16\n"):
    """The pickle of a tensor that looks at 16 untyped bytes."""
    start = b"ctorch._utils\n_rebuild_tensor_v3\n(" + storage + b"K\x00"
    return start + size + b"\x85K\x01\x85\x89" + HOOKS + dtype + b"tR"


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def test_the_handmade_tensors_are_sound():
    assert load(torch_file(typed() + b".", _0=bytes(range(16)))).tolist()[:2] == [0x0100, 0x0302]
    data = torch_file(tensor() + b".", _0=np.arange(4, dtype=np.float32).tobytes())
    assert load(data).tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (tensor(count=2**40), "storage 0: expected 1099511627776 elements of FloatStorage, got 4"),
        (tensor(count=-4), "storage 0: expected -4 elements"),
        (tensor(size=(5,)), "its last element is number 4 of a storage of 4"),
        (tensor(size=(2**62, 2**62), stride=(1, 1)), "its last element is number"),
        (tensor(size=(2**62, 2**62), stride=(0, 0)), "damaged: ValueError"),
        (tensor(size=(2**400,), stride=(0,)), "damaged"),
        (tensor(size=(0, 2**62, 2**62), stride=(0, 0, 0)), "damaged: ValueError"),
        (tensor(offset=1), "its last element is number 4"),
        (tensor(offset=-1), "non-negative ints"),
        (tensor(size=(-4,)), "non-negative ints"),
        (tensor(size=(2, 2)), "as many sizes as strides"),
        (tensor(size=(1,) * 65, stride=(1,) * 65), "as many sizes as strides, at most 32"),
        (tensor(stride=(2**62,)), "its last element is number"),
        (tensor(grad=b"K\x01"), "requires_grad must be a bool"),
        (tensor(hooks=b"(K\x01K\x02d"), "DICT at byte"),
        (tensor(hooks=b"}K\x01K\x02s"), "expected no hooks"),
        (TENSOR + b")R", r"expected \(6, 7\) arguments, got 0"),
        (TENSOR, "left over in the result"),
        (TENSOR + b"\x85", "left over in the result"),
        (b"]" + TENSOR + b"\x85\x85a", "left over in the result"),
        (STORAGE % b"K\x04", "a torch Storage, which is not read by itself"),
        (BYTES, "a torch Storage, which is not read by itself"),
        (
            TENSOR + b"(" + BYTES + b"K\x00K\x04\x85K\x01\x85\x89" + HOOKS + b"tR",
            "a tensor: expected a storage of numbers",
        ),
        (typed(STORAGE % b"K\x04"), "expected a storage of bytes"),
        (typed(dtype=b"ctorch\nfloat32\n"), "expected an integer type"),
        (typed(dtype=b"K\x01"), "expected an integer type"),
        (typed(size=b"K\x09"), "its last element is number 8 of a storage of 8"),
        (b"ctorch\nuint16\n)R", "it calls a UInt16DType"),
        (b"c__builtin__\nset\n]]a\x85R", "a set: expected items that are a str"),
        (b"c__builtin__\nset\nX\x01\0\0\0a\x85R", "a set: expected items that are"),
        (b"c__builtin__\nbytearray\nK\x7f\x85R", "a bytearray: expected bytes, got int"),
        (b"c__builtin__\nbytes\nK\x7f\x85R", r"expected \(0,\) arguments, got 1"),
        (
            b"c_codecs\nencode\n" + text("a") + text("rot13") + b"\x86R",
            "expected a str and 'latin1', got 'a' and 'rot13'",
        ),
        (b"c_codecs\nencode\n" + text("\u6f22") + text("latin1") + b"\x86R", "damaged: UnicodeEncodeError"),
        (b"c__builtin__\ncomplex\n" + text("1") + text("2") + b"\x86R", "expected two floats, got '1' and '2'"),
        (b"ctorch\ndevice\n" + text("mps") + b"\x85R", "expected 'cpu' or 'cuda', got 'mps'"),
        (b"ctorch\ndevice\nK\x01\x85R", "a device: expected a name and a number, got 1"),
        (b"(K\x01tQ", "expected the name of a storage in five parts"),
        (b"K\x01Q", "expected a storage to be named by a tuple"),
        (b"K\x01)R", "it calls a int"),
        (b"K\x01K\x02a", "it appends to a int"),
        (b"K\x01K\x02K\x03s", "it sets items of a int"),
        (b"}(K\x01u", "it sets items of a dict"),
        (b"}K\x01K\x02K\x03\x87\x85\x85K\x01s", "expected keys that are"),
        (b"}" + number(2**64) + b"Ns", "expected keys that are"),
        (b"}]Ns", "expected keys that are"),
        (HOOKS + b"}X\x05\0\0\0itemsNsb", "sets attributes other than"),
        (b"K\x01}b", "sets attributes other than"),
        (b"K\x01\x86", "its stack is empty"),
        (b"h\x05", "damaged: KeyError"),
        (b"e", "damaged: IndexError"),
        (b"", "damaged: IndexError"),
        (b"ctorch\nSize\nK\x01\x85R", "expected a tuple of ints"),
        (b"ccollections\nCounter\nK\x01\x85R", "expected a dict"),
        (b"ctorch._utils\n_rebuild_parameter\nK\x01\x88" + HOOKS + b"\x87R", "a parameter: expected a tensor"),
        (b"\x95\0\0\0\0\0\0\0\x7f", "FRAME at byte 0"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab", "damaged: ValueError"),
    ],
)
def test_pickles_of_nonsense(pickled, message):
    refused(torch_file(pickled + b".", _0=bytes(16)), message)


def test_long_pickles(monkeypatch):
    monkeypatch.setattr(unpickler, "MOST_OPERATIONS", 1000)
    refused(torch_file(b"]" * 1300 + b"."), "at most 1162 operations")
    assert load(torch_file(b"]r\xff\xff\xff\xff.")) == []


#: (1,) in a pair, which is in a pair, and so on: a kilobyte that would print as 2**300 numbers
TWICE_AND_TWICE_AGAIN = b"K\x01\x85" + b"q\x00h\x00\x86" * 300


def nested(depth):
    """Lists inside one another, as a pickle and as JSON."""
    return torch_file(b"]" * depth + b"a" * (depth - 1) + b"."), zipped({"numbarnn.json": b"[" * depth + b"]" * depth})


@pytest.mark.slow
def test_objects_as_deep_as_save_allows_and_deeper():
    for data in nested(101):
        value = load(data)
        assert repr(value) == "[" * 101 + "]" * 101
        for name in ("file.pt", "file.npz"):
            assert load(saved(value, name)) == value
    for depth in (102, 150):
        for data in nested(depth):
            refused(data, "expected at most 100 containers inside one another")
    with pytest.raises(CheckpointError, match="at most 100 containers"):
        numbarnn.load(io.BytesIO(nested(900_000)[0]))


@pytest.mark.parametrize(
    "pickled",
    [b"]q\x00h\x00a", b"}q\x00N]h\x00as", b"]q\x00(h\x00h\x00h\x00e", TWICE_AND_TWICE_AGAIN,
     b"]" + b"\x85" * 90 + b"q\x00h\x00" + b"\x85" * 15 + b"\x86"],
    ids=["itself", "through another", "thrice", "twice and twice again", "shared, at two depths"],
)  # fmt: skip
def test_objects_deeper_than_they_look(pickled):
    refused(torch_file(pickled + b"."), "at most 100 containers inside one another")


def test_what_is_shared_is_looked_at_once():
    value = load(torch_file(b"]q\x00" + b"(h\x00h\x00tq\x00" * 60 + b"."))
    for _ in range(60):
        assert value[0] is value[1]
        value = value[0]


def test_copying_one_container_again_and_again(monkeypatch):
    monkeypatch.setattr(unpickler, "MOST_OPERATIONS", 1000)
    counts = b"}(" + b"".join(b"K%cK\x01" % n for n in range(100)) + b"uq\x00"
    copies = b"ccollections\nCounter\nq\x01h\x00\x85R" + b"h\x01h\x00\x85R" * 20
    refused(torch_file(b"](" + counts + copies + b"e."), "calls with at most 1[0-9]{3} items in all")
    sizes = b"(" + b"K\x01" * 100 + b"tq\x00" + b"ctorch\nSize\nq\x01" + b"h\x01h\x00\x85R" * 20
    refused(torch_file(b"](" + sizes + b"e."), "calls with at most 1[0-9]{3} items in all")
    words = (
        text("a" * 1000) + b"q\x00" + text("latin1") + b"q\x01c_codecs\nencode\nq\x02" + b"h\x02h\x00h\x01\x86R" * 20
    )
    refused(torch_file(b"](" + words + b"e."), "calls with at most [0-9]{4} items in all")


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"ctorch\nSize\n" + TWICE_AND_TWICE_AGAIN + b"\x85R", "a Size: expected a tuple of ints, got "),
        (TENSOR + b"(" + STORAGE % number(4) + b"K\x00" + TWICE_AND_TWICE_AGAIN * 2 + b"\x89" + HOOKS + b"tR",
         "a tensor: expected size, stride and offset in non-negative ints, got "),
        (STORAGE.replace(b"X\x01\0\0\x000", TWICE_AND_TWICE_AGAIN) % number(4), "type and number, got "),
        (STORAGE % TWICE_AND_TWICE_AGAIN, "storage 0: expected "),
    ],
)  # fmt: skip
def test_values_that_would_print_as_more_than_the_memory_holds(pickled, message):
    refused(torch_file(pickled + b".", _0=bytes(16)), message)


#: what the docstring of `load` promises
SMALL_OBJECTS, COMPRESSED = 400 * 2**20, 200 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("item", "operations"),
    [(b"}", 1), (b"]", 1), (HOOKS, 3), (b"c__builtin__\nset\n]\x85R", 4), (b"c__builtin__\nbytearray\n)R", 3),
     (b"}K\x00Ns", 4), (text("ab"), 1), (b"G" + bytes(8), 1), (b"r%s", 1), (b"]r%s", 2), (b"}r%s", 2)],
)  # fmt: skip
def test_small_objects_take_a_bounded_part_of_the_memory(item, operations):
    first, count = (b"]" if item[:1] == b"r" else b""), 20_000
    items = b"".join(item % struct.pack("<I", n) if item.endswith(b"%s") else item for n in range(count))
    data = torch_file(first + items + b"." if first else b"](" + items + b"e.")
    assert peak_of(data) * unpickler.MOST_OPERATIONS / (count * operations) < SMALL_OBJECTS


def test_messages_stay_short():
    with pytest.raises(CheckpointError) as caught:
        load(torch_file(b"cos\n" + b"x" * 100_000 + b"\n."))
    assert len(str(caught.value)) < 1000


def test_members_of_a_torch_file():
    good = {"a/data.pkl": tensor() + b".", "a/data/0": bytes(16), "a/byteorder": b"little"}
    assert load(zipped(good)).tolist() == [0.0] * 4
    refused(zipped({**good, "a/byteorder": b"middle"}), "expected the byte order to be little or big")
    refused(zipped({**good, "b/data.pkl": b"N."}), "expected one data.pkl, got 2")
    refused(zipped({**good, "a/data/0": bytes(15)}), "expected a multiple of 4 bytes, got 15")
    refused(zipped({**good, "a/data/0": bytes(12)}), "expected 4 elements of FloatStorage, got 3")
    refused(zipped({name: good[name] for name in ("a/data.pkl",)}), "there is no member 'a/data/0'")
    refused(zipped(good, zipfile.ZIP_DEFLATED), "is compressed")
    refused(
        zipped({**good, "a/data.pkl": good["a/data.pkl"].replace(b"\x000X", b"\x00/X")}), "type and number, got '/'"
    )
    big = np.arange(4, dtype=">f4").tobytes()
    assert load(zipped({**good, "a/data/0": big, "a/byteorder": b"big"})).tolist() == [0.0, 1.0, 2.0, 3.0]


# ---------------------------------------------------------------------------------------------------------------------
# zip files


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "C:/evil", "..\\evil", "c:\\evil"])
def test_members_that_lead_out_of_the_archive(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for members in ({"a/data.pkl": b"N."}, {"x.npy": b""}):
        refused(zipped({**members, name: b"x"}), "leads out of the archive")
    assert list(tmp_path.iterdir()) == []


def test_zip_bombs(monkeypatch):
    zeros = bytes(20 * 2**20)
    bomb = zipped({"a/data.pkl": b"N.", "a/data/0": zeros}, zipfile.ZIP_DEFLATED)
    refused(bomb, "is compressed")
    monkeypatch.setattr(archive, "ALLOWANCE", 2**20)
    refused(zipped({"x.npy": zeros}, zipfile.ZIP_DEFLATED), "would unpack to 20971520")
    file = io.BytesIO()
    np.savez_compressed(file, x=np.zeros(5 * 2**20, np.float32))
    refused(file.getvalue(), "would unpack to")
    structure = zipped({"numbarnn.json": b"[" + b" " * 2**18 + b"]"}, zipfile.ZIP_DEFLATED)
    refused(structure, "'numbarnn.json' is compressed")


def test_members_that_overlap():
    data = bytearray(zipped({"a/data.pkl": b"N.", "a/data/0": bytes(10_000)}))
    directory = data.rindex(b"PK\x01\x02")
    record = data[directory : data.rindex(b"PK\x05\x06")]
    end = data[data.rindex(b"PK\x05\x06") :]
    copies = b"".join(bytes(record).replace(b"data/0", b"data/%d" % n) for n in range(1, 10))
    end[8:12] = struct.pack("<HH", 11, 11)
    end[12:16] = struct.pack("<L", struct.unpack("<L", end[12:16])[0] + len(copies))
    refused(bytes(data[: -len(end)]) + copies + bytes(end), "the members take")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (24, 0xFFFFFFF0, "two lengths are given"),
        (20, 0xFFFFFFF0, "two lengths are given"),
        (42, 0xFFFFFFF0, "from the start of the file on"),
        (8, 0x1, "is encrypted"),
        (10, 12, "is packed by method 12"),
        (16, 0x12345678, "damaged: BadZipFile: Bad CRC-32"),
    ],
)
def test_directories_that_lie(place, value, message):
    data = bytearray(torch_file(b"N."))
    start = data.index(b"PK\x01\x02") + place
    size = 2 if place < 12 else 4
    data[start : start + size] = struct.pack("<L", value)[:size]
    refused(bytes(data), message)


def test_members_that_would_begin_before_the_file(tmp_path):
    data = bytearray(torch_file(b"N."))
    start = data.rindex(b"PK\x05\x06") + 16
    data[start : start + 4] = struct.pack("<L", struct.unpack("<L", data[start : start + 4])[0] + 5)
    refused(bytes(data), "damaged")
    (tmp_path / "file.pt").write_bytes(data)  # where a seek to nowhere is an OSError
    with pytest.raises(CheckpointError, match="damaged: OSError"):
        numbarnn.load(tmp_path / "file.pt")


def test_both_lengths_absurd():
    data = bytearray(torch_file(b"N."))
    start = data.index(b"PK\x01\x02")
    data[start + 20 : start + 28] = struct.pack("<LL", 0xFFFFFFF0, 0xFFFFFFF0)
    refused(bytes(data), "the members take 4294967")


def test_two_members_of_one_name():
    data = zipped({"a/data.pkl": b"N.", "b/data.pkl": b"N."}).replace(b"b/data", b"a/data")
    refused(data, "two members are called")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a checkpoint"),
        (b"hello world, this is no checkpoint", "not a checkpoint"),
        (b"PK\x03\x04", "damaged: BadZipFile"),
        (zipped({"readme.txt": b"hello"}), "neither torch's nor NumPy's"),
        ((CHECKPOINTS / "legacy.pt").read_bytes(), r"as torch wrote before 1\.6, is not read"),
        ((CHECKPOINTS / "model.pt").read_bytes(), r"it names 'torch\.nn\.modules\.rnn\.RNN'.* state_dict\(\) instead"),
    ],
    ids=["empty", "text", "start", "zip", "legacy", "model"],
)
def test_what_is_no_checkpoint(data, message):
    refused(data, message)


@pytest.mark.parametrize(
    "tree",
    [{"tensor": "y"}, {"tensor": 3}, {"tensor": []}, {"dict": 3}, {"dict": [[1]]}, {"dict": [[[], 1]]}, {},
     {"a": 1, "b": 2}, {"float": "1e3"}, {"eval": "1"}, {"dict": [[{"tuple": [[]]}, 1]]}, {"tuple": 3}, {"Size": 3},
     {"Size": ["a"]}, {"dict": [[2**64, 1]]}, {"Counter": 1}, {"set": 1}, {"set": [[]]}, {"bytes": 1},
     {"bytes": "\u6f22"}, {"bytearray": [1]}, {"complex": [1]}, {"complex": ["a", "b"]}, {"dtype": "object"},
     {"dtype": []}, {"device": "mps"}, {"device": 1}],
    ids=str,
)  # fmt: skip
def test_structures_of_nonsense(tree):
    array = saved({"x": numbarnn.ones(1)}, "file.npz")
    with zipfile.ZipFile(io.BytesIO(array)) as file:
        members = {"x.npy": file.read("x.npy"), "numbarnn.json": json.dumps(tree).encode()}
    refused(zipped(members), "load: ")


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff", b"NaN nonsense", b"9" * 10_000, b""])
def test_structures_that_are_no_json(text):
    refused(zipped({"numbarnn.json": text}), "damaged")


def empty_tensors(count):
    """A .safetensors file without metadata."""
    tensors = {str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(count)}
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def test_long_structures():
    refused(zipped({"numbarnn.json": b"[" + b"[]," * 1_000_000 + b"1]"}), "JSON of at most 2000000 values, got 2000001")
    refused(zipped({"numbarnn.json": b'"' + b"[,{" * 1_000_000}), "damaged: JSONDecodeError")
    refused(zipped({"numbarnn.json": "[,".encode("utf-16")}), "damaged: UnicodeDecodeError")


def test_long_headers(monkeypatch):
    pytest.importorskip("safetensors")
    monkeypatch.setattr(safetensors_file, "MOST_VALUES", 1000)
    assert len(numbarnn.load(io.BytesIO(empty_tensors(140)))) == 140
    refused(empty_tensors(150), "JSON of at most 1000 values, got 1050")
    with pytest.raises(ValueError, match="expected fewer tensors, got 150"):
        saved({str(n): numbarnn.ones(1) for n in range(150)}, "file.safetensors")


def test_what_could_not_be_read_again_is_not_saved(monkeypatch):
    monkeypatch.setattr(npz, "MOST_VALUES", 1000)
    assert load(saved([0] * 1000, "file.npz")) == [0] * 1000
    with pytest.raises(ValueError, match="expected at most 1000 values beside the tensors"):
        saved([0] * 1001, "file.npz")
    text = '[{,\\"[{,' * 1000
    assert load(saved({text: text}, "file.npz")) == {text: text}


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 0), ("[]", 1), ("[1, {}]", 3), ('["[{,"]', 1), (r'["\\", "\"", "\\\"[", 1]', 4), ('["', 1), ("", 0),
     ('["é[", 1]', 2)],
)  # fmt: skip
def test_values_are_counted_outside_of_strings(text, count):
    assert bounded_json.count(text.encode()) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    "item",
    ["[0]", '{"OrderedDict":[]}', '{"OrderedDict":[[0,0]]}', '{"Size":[0]}', '{"set":[]}', '{"set":[0]}',
     '{"set":[0,1,2,3,4]}', '{"device":"cpu"}', '{"bytearray":""}', '{"float":"nan"}'],
)  # fmt: skip
def test_small_values_take_a_bounded_part_of_the_memory(item):
    text = ("[" + ",".join([item] * 20_000) + "]").encode()
    assert peak_of(zipped({"numbarnn.json": text})) * npz.MOST_VALUES / bounded_json.count(text) < SMALL_OBJECTS


def test_compressed_arrays_take_a_bounded_part_of_the_memory(monkeypatch):
    """Those that are converted most: what was packed, float16 and float32 of it."""
    monkeypatch.setattr(archive, "ALLOWANCE", 2**22)
    for kind in ("f4", "f2", ">f4", "b1", "u8"):
        file = io.BytesIO()
        np.savez_compressed(file, x=np.zeros(2**22 // np.dtype(kind).itemsize, kind))
        assert peak_of(file.getvalue()) < COMPRESSED / (64 * 2**20) * 2**22


@pytest.mark.slow
def test_small_tensors_take_a_bounded_part_of_the_memory():
    pytest.importorskip("safetensors")
    data = empty_tensors(10_000)
    assert peak_of(data) * safetensors_file.MOST_VALUES / bounded_json.count(data[8:]) < SMALL_OBJECTS


def peak_of(data):
    """The memory that reading takes beyond the file's length."""
    tracemalloc.start()
    numbarnn.load(io.BytesIO(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - len(data)


# ---------------------------------------------------------------------------------------------------------------------
# damage at random


def originals():
    """Whole files, and what is in them."""
    value = CASES["weights"](numbarnn)
    training = CASES["training"](numbarnn)
    files = {
        "torch": ((CHECKPOINTS / "weights.pt").read_bytes(), value),
        "pt": (saved(training), training),
        "npz": (saved(training, "file.npz"), training),
    }
    if importlib.util.find_spec("safetensors"):
        tensors = {name: value[name] for name in sorted(value)}
        files["safetensors"] = (saved(tensors, "file.safetensors"), tensors)
    return files


KINDS = list(originals())


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files(kind):
    data, _ = originals()[kind]
    for length in (*range(0, len(data), 17), *range(len(data) - 30, len(data))):
        with pytest.raises(CheckpointError):
            load(data[:length])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits(kind):
    data, value = originals()[kind]
    rng = np.random.RandomState(3)
    loaded = 0
    most = 1 if kind == "safetensors" else 3  # its checksum has a name, which a second flip can hide
    for _ in range(400):
        damaged = bytearray(data)
        for bit in rng.randint(0, 8 * len(data), rng.randint(1, most + 1)):
            damaged[bit // 8] ^= 1 << bit % 8
        try:
            found = load(bytes(damaged))
        except CheckpointError:
            continue
        loaded += 1
        assert_same(found, value)
    assert loaded > 0 or kind == "safetensors"  # between the members of a zip is there padding
    assert loaded < 300


def mutated(data, rng):
    """`data` with some bytes changed, inserted, removed or repeated."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randint(0, max(len(data), 1)), rng.randint(1, 20)
        what = rng.randint(4)
        if what == 0:
            data[at : at + 1] = bytes([rng.randint(256)])
        elif what == 1:
            data[at:at] = rng.bytes(length)
        elif what == 2:
            del data[at : at + length]
        else:
            data[at:at] = data[at : at + length]
    return bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torch", "pt", "npz"])
def test_altered_contents_with_sound_checksums(name):
    """Checksums catch damage, not intent: what lies behind them has to bear anything, too."""
    rng = np.random.RandomState(4)
    with zipfile.ZipFile(io.BytesIO(originals()[name][0])) as file:
        members = {member: file.read(member) for member in file.namelist()}
    targets = [member for member in members if member.endswith((".pkl", ".json", "byteorder", ".npy"))]
    outcomes = set()
    for turn in range(400):
        target = targets[turn % len(targets)]
        try:
            load(zipped({**members, target: mutated(members[target], rng)}))
            outcomes.add("loaded")
        except CheckpointError:
            outcomes.add("refused")
    assert outcomes == {"loaded", "refused"}


def test_altered_safetensors():
    pytest.importorskip("safetensors")
    rng = np.random.RandomState(5)
    data = saved(CASES["numbers"](numbarnn), "file.safetensors")
    for length in range(0, len(data), 7):
        with pytest.raises(CheckpointError):
            load(data[:length])
    for _ in range(400):
        try:
            found = load(mutated(data, rng))
        except CheckpointError:
            continue
        assert all(isinstance(value, numbarnn.Tensor) for value in found.values())
