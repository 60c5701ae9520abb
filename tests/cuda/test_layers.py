"""Models on the device: the same program as on the CPU, with one word changed; on a GPU, or in numba's simulator."""

from __future__ import annotations

import copy
import types

import cuda_device
from cuda_device import both

cuda_device.required()

import numpy as np  # noqa: E402  # what follows needs a device
import pytest  # noqa: E402
from rnn_cases import check_against_naive, make  # noqa: E402

import numbarnn as nb  # noqa: E402
from numbarnn import nn  # noqa: E402
from numbarnn.kernels.cuda import arrays  # noqa: E402
from numbarnn.kernels.cuda.arrays import on_device, xp  # noqa: E402
from numbarnn.nn.recurrent import final_state  # noqa: E402
from numbarnn.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

F = nn.functional


# ---------------------------------------------------------------------------------------------------------------------
# layers


@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        ({}, None),
        ({"num_layers": 2, "bidirectional": True, "nonlinearity": "relu"}, None),
        ({"batch_first": True, "bidirectional": True, "bias": False}, [2, 0, 3]),
        ({"num_layers": 2, "dtype": "float32"}, [3, 3, 1]),
    ],
    ids=str,
)
def test_rnn_against_the_oracle(rng, options, lengths):
    rnn, x, h_0 = make(rng, T=3, B=3, I=2, H=4, **options)
    check_against_naive(rng, rnn.to("cuda"), x, h_0, lengths=lengths, device="cuda")


def test_rnn_and_linear_are_made_there():
    def build(device):
        rnn, head = nn.RNN(2, 3, 2, device=device), nn.Linear(3, 1, device=device)
        assert {p.device.type for p in (*rnn.parameters(), *head.parameters())} == {device}
        return *rnn.parameters(), *head.parameters()

    both(build)


def test_one_step_alone_last_states_and_all_states():
    def build(device):
        cell, rnn = nn.RNNCell(2, 3, device=device), nn.RNN(2, 3, 2, bidirectional=True, device=device)
        x = nb.randn(3, 2).to(device)
        with nb.inference_mode():
            nothing, h_n = rnn(x, return_output=False)
            assert nothing is None
            shown = rnn(x, output_hidden_states=True)[2]
        return cell(x), rnn(x)[0], h_n, *shown

    both(build)


def test_last_states_in_chunks(monkeypatch):
    monkeypatch.setattr(final_state, "ROWS", 2)

    def build(device):
        for layers in (1, 2):
            rnn, x = nn.RNN(2, 2, layers, bidirectional=True, device=device), nb.randn(3, 2, 2).to(device)
            with nb.inference_mode():
                yield rnn(x, return_output=False)[1]

    both(build)


def test_packed_sequences():
    def build(device):
        rnn, x = nn.RNN(2, 3, device=device), nb.randn(3, 2, 2).to(device).requires_grad_()
        packed = pack_padded_sequence(x, [2, 3], enforce_sorted=False)
        output, h_n = rnn(packed)
        padded, lengths = pad_packed_sequence(output)
        assert lengths.tolist() == [2, 3]
        (padded.sum() + h_n.sum()).backward()
        return padded, h_n, x.grad

    both(build)


# ---------------------------------------------------------------------------------------------------------------------
# training


LOSSES = {
    "mse": lambda y, target: F.mse_loss(y, target.to(nb.float32)[:, None].expand(2, 2)),
    "l1": lambda y, target: F.l1_loss(y, target.to(nb.float32)[:, None].expand(2, 2)),
    "cross entropy": lambda y, target: F.cross_entropy(y, target, label_smoothing=0.1),
    "weights, ignored": lambda y, target: F.cross_entropy(y, target, weight=y.detach()[0].abs(), ignore_index=1),
    "probabilities": lambda y, target: F.cross_entropy(y, F.softmax(y.detach(), 1)),
    "nll": lambda y, target: F.nll_loss(F.log_softmax(y, 1), target),
    "bce": lambda y, target: F.binary_cross_entropy(y.sigmoid(), target.to(nb.float32)[:, None].expand(2, 2)),
    "logits": lambda y, target: F.binary_cross_entropy_with_logits(y[:, 0], target.to(nb.float32)),
}
OPTIMIZERS = {
    "SGD": lambda p: nb.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
    "Adam": lambda p: nb.optim.Adam(p, 0.1, amsgrad=True),
    "AdamW": lambda p: nb.optim.AdamW(p, 0.1),
    "RMSprop": lambda p: nb.optim.RMSprop(p, 0.1, momentum=0.5, centered=True),
}


def train(device, loss_of, optimizer_of, steps):
    rnn, head = nn.RNN(2, 3, batch_first=True).to(device), nn.Linear(3, 2).to(device)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = optimizer_of(parameters)
    x, target = nb.randn(2, 3, 2).to(device), nb.tensor([0, 1]).to(device)
    for _ in range(steps):
        output, _ = rnn(x)
        loss = loss_of(head(output[:, -1]), target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    return loss, *parameters


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses(loss):
    both(lambda device: train(device, loss, OPTIMIZERS["SGD"], 1))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers(optimizer):
    both(lambda device: train(device, LOSSES["cross entropy"], optimizer, 3))


def test_dropout_and_embedding():
    def build(device):
        embedding, rnn = nn.Embedding(5, 2, device=device), nn.RNN(2, 2, 2, dropout=0.5).to(device)
        words = nb.tensor([[1, 4], [0, 4]]).to(device)
        output, _ = rnn(F.dropout(embedding(words), 0.5))
        output.sum().backward()
        return output, embedding.weight.grad, *(p.grad for p in rnn.parameters())

    both(build)


def test_what_clips_and_counts():
    def build(device):
        w = nn.Parameter(nb.tensor([3.0, -4.0], device=device))
        w.grad = nb.tensor([3.0, -4.0], device=device)
        norm = nn.utils.clip_grad_norm_([w], 1.0)
        clipped = w.grad.clone()
        nn.utils.clip_grad_norm_([w], 0.5, norm_type=float("inf"))
        nn.utils.clip_grad_value_([w], 0.1)
        return norm, clipped, w.grad, nn.utils.parameters_to_vector([w])

    both(build)


# ---------------------------------------------------------------------------------------------------------------------
# tensors: there and back


def test_operations_on_tensors():
    def build(device):
        x = nb.tensor([[1.0, -2.0], [3.0, 4.0]], device=device).requires_grad_()
        y = (x * 2 + 1) @ x - x.mean(0) / (1 + x.abs()).sqrt() + nb.cat([x, x])[1:3] + nb.stack([x[0], x[1]])
        y = y + x[nb.tensor([1, 0])] + x[x > 0].sum() + x.max() + x.sum(1, keepdim=True).exp().log() + x.reshape(4)[:2]
        y.tanh().relu().sum().backward()
        z = x.detach().clone()
        z[0, 1] = 7.0
        z += 1
        return y, x.grad, z, x.argmax(1), nb.where(x > 0, x, 0 * x), x.transpose(0, 1), x == x, z.fill_(3.0)

    both(build)


def test_where_a_tensor_is():
    x = nb.zeros(2, device="cuda")
    assert str(x.device) == "cuda:0"
    assert x.device == nb.device("cuda", 0)
    assert x.is_cuda
    assert not x.cpu().is_cuda
    assert x.to("cuda") is x.cuda() is x
    assert x.cpu().cpu().device.type == "cpu"
    assert repr(x) == "tensor([0., 0.], device='cuda:0')"
    assert (x.new_ones(2) + x).tolist() == [1, 1]
    assert x.to("cpu", nb.float64).dtype == np.float64
    assert x.to(nb.zeros(1, dtype=nb.float64)).device.type == "cpu"
    assert float(x.sum()) == 0.0
    assert not bool(x[0])
    assert nb.cuda.device_count() == 1
    assert copy.deepcopy(nn.Linear(1, 1, device="cuda")).weight.is_cuda
    assert nb.cuda.current_device() == 0
    nb.cuda.manual_seed_all(1)
    nb.cuda.empty_cache()
    nb.cuda.synchronize()
    with pytest.raises(TypeError, match=r"can't convert cuda:0 device type tensor to numpy\. Use Tensor\.cpu\(\)"):
        x.numpy()
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        np.asarray(x)
    with pytest.raises(RuntimeError, match="expected 'cuda' or 'cuda:0', the current GPU, got 'cuda:7'"):
        x.to("cuda:7")


def test_gradients_cross_between_devices():
    x = nb.tensor([1.0, 2.0], requires_grad=True)
    (x.to("cuda") * 3).cpu().sum().backward()
    assert x.grad.tolist() == [3, 3]
    assert not x.grad.is_cuda


def test_a_model_moves_with_its_optimizer():
    model = nn.RNN(1, 2)
    optimizer = nb.optim.Adam(model.parameters())
    first = model.weight_ih_l0
    assert model.cuda() is model
    model(nb.ones(1, 1, device="cuda"))[0].sum().backward()
    optimizer.step()
    assert model.weight_ih_l0 is first
    assert first.is_cuda
    assert first.grad.is_cuda
    state = model.state_dict()
    model.cpu()
    assert not first.is_cuda
    assert not first.grad.is_cuda
    model.load_state_dict(state)
    other = nb.optim.Adam(model.parameters())
    other.load_state_dict(optimizer.state_dict())
    assert not other.state[first]["exp_avg"].is_cuda


def test_checkpoints(tmp_path):
    model = nn.RNN(1, 2, device="cuda")
    for name in ("state.pt", "state.npz"):
        nb.save(model.state_dict(), tmp_path / name)
        loaded = nb.load(tmp_path / name)
        assert all(not t.is_cuda for t in loaded.values())
        for key, value in model.state_dict().items():
            assert nb.equal(loaded[key], value.cpu())
        model.load_state_dict(loaded)
        assert model.weight_hh_l0.is_cuda


MIXED = [
    lambda x, y: x + y,
    lambda x, y: y @ x,
    lambda x, y: nb.cat([x, y]),
    lambda x, y: F.linear(x, y),
    lambda x, y: F.mse_loss(x, y),
    lambda x, y: nn.RNN(2, 2)(x),
    lambda x, y: nn.RNN(2, 2, device="cuda")(y),
    lambda x, y: nn.RNN(2, 2, device="cuda")(x, y[:1]),
    lambda x, y: nn.RNNCell(2, 2, device="cuda")(y),
    lambda x, y: x.__setitem__(0, y[0]),
]


@pytest.mark.parametrize("mixed", MIXED, ids=range(len(MIXED)))
def test_devices_do_not_mix(mixed):
    with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu!"):
        mixed(nb.ones(2, 2, device="cuda"), nb.ones(2, 2))


def test_steps_of_the_cpu_refuse_a_module_on_the_device():
    for module in (nn.RNN(2, 3), nn.RNNCell(2, 3), nn.Linear(2, 3)):
        module.cuda()
        for use in [lambda m: nb.jit.pack(m)] + [lambda m: m.stream()] * (not isinstance(module, nn.Linear)):
            with pytest.raises(RuntimeError, match=r"expected a module on the CPU, got one on cuda:0: move it with"):
                use(module)


def test_numbers_and_tensors_without_dimensions_mix():
    x = nb.ones(2, device="cuda")
    assert (x + nb.tensor(2.0)).tolist() == [3, 3]
    assert (2.0 * x - nb.tensor(1.0, dtype=nb.float64)).dtype == np.float32


# ---------------------------------------------------------------------------------------------------------------------
# other libraries


def foreign(array):
    """An array of another library, over the same memory."""
    return types.SimpleNamespace(__cuda_array_interface__=array.__cuda_array_interface__, owner=array)


def test_arrays_of_other_libraries_come_in_without_a_copy():
    array = on_device(np.ones((3, 2), np.float32))
    for tensor in (nb.as_tensor(foreign(array)), nb.as_tensor(array), nb.from_dlpack(array)):
        assert tensor.is_cuda
        tensor.add_(1)
    assert array.tolist() == [[4, 4]] * 3
    copied = nb.tensor(foreign(array))
    copied.zero_()
    assert array.tolist() == [[4, 4]] * 3
    rnn, linear = nn.RNN(2, 3, device="cuda"), nn.Linear(2, 1, device="cuda")
    assert nb.equal(rnn(foreign(array))[0], rnn(nb.as_tensor(array))[0])
    assert nb.equal(linear(foreign(array)), linear(nb.as_tensor(array)))


class Exchangeable:
    """An array of another library that has both ways out; it notes which was taken."""

    def __init__(self, array, place=None):
        self.array, self.place, self.asked = array, place or array.__dlpack_device__(), []

    @property
    def __cuda_array_interface__(self):
        self.asked.append("interface")
        return self.array.__cuda_array_interface__

    def __dlpack__(self, **options):
        self.asked.append("dlpack")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.place


def test_arrays_of_other_libraries_come_in_by_dlpack(monkeypatch):
    array = on_device(np.ones((3, 2), np.float32))
    if cuda_device.SIMULATED:  # its from_dlpack has one memory, and reads it by the interface
        monkeypatch.setattr(xp, "from_dlpack", lambda value: value.__dlpack__() and value.array)
    for come_in in (
        nb.as_tensor,
        nn.RNN(2, 3, device="cuda"),
        nn.Linear(2, 1, device="cuda"),
        nb.ones(3, 2).cuda().add,
    ):
        value = Exchangeable(array)
        come_in(value)
        assert value.asked[-1] == "dlpack"
    nb.as_tensor(value).add_(1)
    assert array.tolist() == [[2, 2]] * 3
    managed = Exchangeable(array, (13, 0))
    assert nb.as_tensor(managed).tolist() == [[2, 2]] * 3
    assert "dlpack" not in managed.asked


def test_memory_of_another_gpu_is_refused(monkeypatch):
    array = on_device(np.ones((3, 2), np.float32))
    mine, other = arrays.device(), arrays.device() + 1
    says = rf"expected memory of cuda:{mine}, the current device, got memory of cuda:{other}$"
    for come_in in (nb.as_tensor, nb.from_dlpack, nn.RNN(2, 3, device="cuda"), nb.ones(3, 2).cuda().add):
        with pytest.raises(RuntimeError, match=says):
            come_in(Exchangeable(array, (2, other)))
    model, says = nn.Linear(2, 3, device="cuda"), rf"expected memory of cuda:{other}, .* got memory of cuda:{mine}$"
    monkeypatch.setattr(arrays, "device", lambda: other)
    for come_in in (nb.as_tensor, nb.tensor, model):
        with pytest.raises(RuntimeError, match=says):
            come_in(foreign(array))
    for come_in in (nb.as_tensor, nb.from_dlpack):
        with pytest.raises(RuntimeError, match=says):
            come_in(array)
    assert nb.as_tensor(foreign(array[:0])).shape == (0, 2)


def test_tensors_go_out_without_a_copy():
    tensor = nb.ones(2, device="cuda")
    xp.asarray(foreign(tensor))[...] = 5
    assert tensor.tolist() == [5, 5]
    xp.from_dlpack(tensor)[...] = 6
    assert tensor.tolist() == [6, 6]
    assert not hasattr(nb.ones(2), "__cuda_array_interface__")
    with pytest.raises(RuntimeError, match=r"use tensor\.detach"):
        tensor.requires_grad_().__dlpack__()


def test_weights_that_others_can_write_are_read_at_each_call():
    array = on_device(np.ones((1, 1), np.float32))
    linear = nn.Linear(1, 1, bias=False, device="cuda")
    linear.weight = nn.Parameter(nb.as_tensor(array))
    x = nb.ones(1, 1, device="cuda")
    first = linear(x).item()
    array[...] = 3
    assert (first, linear(x).item()) == (1, 3)
