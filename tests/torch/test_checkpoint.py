"""Checkpoints between torch and numbarnn, live and both ways."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from checkpoint_cases import CASES, HALF, assert_same, half
from golden_files import CHECKPOINTS

import numbarnn

torch = pytest.importorskip("torch")


def from_torch(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    return numbarnn.load(file)


def to_torch(value, **options):
    file = io.BytesIO()
    numbarnn.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True, **options)


@pytest.mark.parametrize("case", CASES)
def test_numbarnn_reads_what_torch_saves(case):
    assert_same(from_torch(CASES[case](torch)), CASES[case](torch))


@pytest.mark.parametrize("case", CASES)
def test_torch_reads_what_numbarnn_saves(case):
    assert_same(to_torch(CASES[case](numbarnn)), CASES[case](torch))


@pytest.mark.parametrize("case", CASES)
def test_back_and_forth(case):
    assert_same(to_torch(from_torch(CASES[case](torch))), CASES[case](torch))


@pytest.mark.parametrize("case", CASES)
def test_the_golden_files_are_still_what_torch_computes(case):
    assert_same(torch.load(CHECKPOINTS / f"{case}.pt", weights_only=True), CASES[case](torch))


def test_the_golden_half_is_still_what_torch_computes():
    values = half(torch)
    for name, wanted in HALF.items():
        np.testing.assert_array_equal(values[name].float().numpy(), np.float32(wanted))


@pytest.mark.parametrize("mmap", [False, True])
def test_files_by_name(mmap, tmp_path):
    numbarnn.save(CASES["views"](numbarnn), tmp_path / "file.pt")
    loaded = torch.load(tmp_path / "file.pt", weights_only=True, mmap=mmap)
    assert_same(loaded, CASES["views"](torch))
    torch.save(CASES["views"](torch), tmp_path / "file.pth")
    assert_same(numbarnn.load(tmp_path / "file.pth"), CASES["views"](torch))


def test_members_beyond_the_limits_of_plain_zip(monkeypatch):
    monkeypatch.setattr("numbarnn.checkpoint.archive.MOST_BYTES", 1000)
    loaded = to_torch({"large": numbarnn.arange(1000), "small": numbarnn.ones(1)})
    assert_same(loaded, {"large": torch.arange(1000), "small": torch.ones(1)})


def test_shared_memory_and_strides_survive_in_torch():
    loaded, original = to_torch(CASES["views"](numbarnn)), CASES["views"](torch)
    for name, tensor in loaded.items():
        assert tensor.stride() == original[name].stride(), name
        if tensor.numel():
            assert tensor.storage_offset() - original[name].storage_offset() == 0, name
    loaded["base"][2, 3] = 100.0
    assert loaded["transposed"][3, 2] == loaded["element"] == 100.0
    assert loaded["same"] is loaded["base"]


def test_an_rnn_there_and_back():
    x = np.random.RandomState(0).uniform(-1, 1, (5, 2, 3)).astype(np.float32)
    options = {"num_layers": 2, "bidirectional": True}
    theirs, ours = torch.nn.RNN(3, 4, **options), numbarnn.nn.RNN(3, 4, **options)
    ours.load_state_dict(from_torch(theirs.state_dict()))
    wanted = theirs(torch.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(ours(x)[0].detach().numpy(), wanted, rtol=1e-5, atol=1e-6)
    other = torch.nn.RNN(3, 4, **options)
    other.load_state_dict(to_torch(ours.state_dict()))
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), theirs.parameters(), strict=True))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_optimizers_go_on_in_the_other_library(name):
    def start(t):
        parameter = t.nn.Parameter(t.tensor([1.0, -2.0, 3.0]))
        options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {"amsgrad": True}
        return parameter, getattr(t.optim, name)([parameter], lr=0.1, **options)

    def step(t, parameter, optimizer):
        parameter.grad = t.tensor([0.5, 1.0, -1.0])
        optimizer.step()

    whole = start(torch)
    step(torch, *whole)
    saved = {"parameter": whole[0], "optimizer": whole[1].state_dict()}
    for t, loaded in ((numbarnn, from_torch(saved)), (torch, to_torch(from_torch(saved)))):
        parameter, optimizer = start(t)
        parameter.data = loaded["parameter"].data
        optimizer.load_state_dict(loaded["optimizer"])
        step(t, parameter, optimizer)
        step(torch, *whole) if t is numbarnn else None
        np.testing.assert_allclose(parameter.detach().numpy(), whole[0].detach().numpy(), rtol=1e-6)


def test_schedulers_go_on_in_numbarnn():
    def start(t):
        optimizer = t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=1.0)
        return t.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 4], gamma=0.5)

    theirs, ours = start(torch), start(numbarnn)
    theirs.optimizer.step()
    theirs.step()
    ours.load_state_dict(from_torch(theirs.state_dict()))
    assert ours.milestones == theirs.milestones
    assert ours.get_last_lr() == theirs.get_last_lr()


def test_empty_bytes_which_torch_itself_does_not_read_again():
    assert from_torch(b"") == to_torch(b"") == b""


def test_tied_weights_stay_tied_in_torch():
    model = numbarnn.nn.ModuleList([numbarnn.nn.Linear(3, 3), numbarnn.nn.Linear(3, 3)])
    model[1].weight = model[0].weight
    loaded = to_torch(model.state_dict())
    assert loaded["0.weight"].data_ptr() == loaded["1.weight"].data_ptr()


def test_what_the_others_write_and_read_of_safetensors(tmp_path):
    package = pytest.importorskip("safetensors.torch")
    state = {**half(torch), "weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)}
    state["view"] = state["view"].clone()
    package.save_file(state, tmp_path / "theirs.safetensors")
    loaded = numbarnn.load(tmp_path / "theirs.safetensors")
    for name, value in state.items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.float().numpy())
    numbarnn.save(loaded, tmp_path / "ours.safetensors")
    again = package.load_file(tmp_path / "ours.safetensors")
    assert all(torch.equal(again[name].float(), value.float()) for name, value in state.items())


def test_what_torch_refuses_or_not_without_weights_is_refused():
    for value in (torch.nn.RNN(1, 1), torch.ones(1).to_sparse(), torch.ones(2, dtype=torch.complex64), torch.bfloat16):
        with pytest.raises(pickle.UnpicklingError, match="refused, and nothing of it was run"):
            from_torch(value)
    for value in (torch.ones(2).untyped_storage(), [torch.ones(2)._typed_storage()]):
        with pytest.raises(pickle.UnpicklingError, match="a torch Storage, which is not read by itself: save a tensor"):
            from_torch(value)
    with pytest.raises(pickle.UnpicklingError, match="pickle protocol 2"):
        from_torch({"x": 1}, pickle_protocol=4)
