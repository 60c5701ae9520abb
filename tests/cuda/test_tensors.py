"""Tensors on the device: what is made beside them is made there, and operations give what they give on the CPU."""

from __future__ import annotations

import pickle

import cuda_device
from cuda_device import both

cuda_device.required()

import numpy as np  # noqa: E402  # what follows needs a device
import pytest  # noqa: E402

import numbarnn as nb  # noqa: E402
from numbarnn import nn  # noqa: E402

# ---------------------------------------------------------------------------------------------------------------------
# new tensors

LIKE = {
    "zeros": nb.zeros_like,
    "ones": nb.ones_like,
    "full": lambda x, **options: nb.full_like(x, 3, **options),
    "rand": nb.rand_like,
    "randn": nb.randn_like,
    "empty": lambda x, **options: nb.empty_like(x, **options).detach().fill_(1),
}


@pytest.mark.parametrize("like", LIKE.values(), ids=LIKE)
def test_new_tensors_are_where_their_example_is(like):
    def build(device):
        x = nb.ones(2, 3, dtype=nb.float64, device=device)
        made, other = like(x), "cpu" if device == "cuda" else "cuda"
        assert made.device == x.device
        assert like(x, device=other).device.type == other
        leaf = like(x, dtype=nb.float32)
        assert leaf.dtype == nb.float32
        return made, leaf

    both(build)


# ---------------------------------------------------------------------------------------------------------------------
# values written in place

FILLED = {
    "uniform_": lambda x: x.uniform_(-1, 2),
    "normal_": lambda x: x.normal_(1, 2),
    "copy_ of an array": lambda x: x.copy_(np.arange(3.0)),
    "copy_ of a tensor": lambda x: x.copy_(nb.arange(3)),
    **{
        f"init.{name}": getattr(nn.init, name)
        for name in (
            "uniform_", "normal_", "zeros_", "ones_", "eye_", "orthogonal_", "xavier_uniform_", "xavier_normal_",
            "kaiming_uniform_", "kaiming_normal_",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("fill", FILLED.values(), ids=FILLED)
def test_values_are_filled_in_there(fill):
    def build(device):
        x = nb.zeros(4, 3, device=device)
        assert fill(x) is x
        assert x.device.type == device
        yield x

    both(build)


# ---------------------------------------------------------------------------------------------------------------------
# operations

PICKED = {
    "max": lambda x: x.max(1),
    "min": lambda x: x.min(0, keepdim=True),
    "gather": lambda x: [x.gather(1, x.detach().argsort(1)[:, :2])],
    "scatter": lambda x: [
        x.scatter(0, x.detach().argsort(0)[:2], x * 2),
        x.scatter(1, x.detach().argmin(1, True), 5.0),
    ],
    "sort": lambda x: [*x.sort(0), *x.sort(1, descending=True)],
    "topk": lambda x: [*x.topk(2), *x.topk(1, 0, largest=False)],
    "masked_select": lambda x: [x.masked_select(x > 0), x.masked_select(x[:1] > 0)],
    "index_select": lambda x: [x.index_select(1, x.detach()[0].argsort())],
    "without dimensions": lambda x: [*x[0, 0].sort(), *x[0, 1].topk(1), x[0, 2].gather(0, x.detach().argmin() * 0)],
    "clamp": lambda x: [x.clamp(0.1, 0.5), x.clamp(max=x[0]), x.clamp(x[:, :1], x[0] + 1)],
    "masked_fill": lambda x: [x.masked_fill(x > 0, x[0, 0]), (x * 2).masked_fill_(x > 0, 7), (x * 1).fill_(x[1, 1])],
    "norm": lambda x: [x.norm(p, 1) for p in (0, 1, 2, 3, -1, float("inf"), -float("inf"))],
    "sums": lambda x: [x.sum(0, dtype=nb.float64), x.prod(1), x.cumsum(0), x.mean(), x.amax(1), x.all(1), x.softmax(0)],
    "divided": lambda x: [x.div(x.detach() + 9, rounding_mode=mode) for mode in ("floor", "trunc")],
    "joined": lambda x: [nb.cat((x[0, :0], x)), nb.stack((x, x.detach()), 1), x.movedim((0, 1), (1, 0)).roll(1)],
    "added up": lambda x: [x * 1, x.detach().scatter(0, x.detach().argsort(0), x.detach(), reduce="add")],
}


@pytest.mark.parametrize("pick", PICKED.values(), ids=PICKED)
def test_elements_are_picked_and_get_their_gradients(pick):
    def build(device):
        x = nb.randn(4, 3).to(device).requires_grad_()
        found = list(pick(x))
        assert {y.device.type for y in found} == {device}
        sum(((y * y).sum() for y in found if y.requires_grad), nb.zeros((), device=device)).backward()
        return *found, x.grad

    both(build)


DRAWN = {
    "bernoulli": lambda x: nb.bernoulli(x),
    "bernoulli with p": lambda x: nb.bernoulli(x, 0.3),
    "multinomial": lambda x: nb.multinomial(x, 2),
    "multinomial with replacement": lambda x: nb.multinomial(x, 5, replacement=True),
    "normal": lambda x: nb.normal(x, x),
    "normal, one spread": lambda x: nb.normal(x, 0.5),
    "normal, one mean": lambda x: nb.normal(0.5, x),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_draws_are_where_their_distribution_is(draw):
    def build(device):
        x = nb.rand(4, 3).to(device)
        drawn = draw(x)
        assert drawn.device == x.device
        yield drawn

    both(build)


OUTSIDE = {
    "gather": lambda x, index: x.gather(1, index),
    "index_select": lambda x, index: x.index_select(1, index[0]),
    "embedding": lambda x, index: nn.functional.embedding(index, x),
    "cross_entropy": lambda x, index: nn.functional.cross_entropy(x, index[0]),
}


@pytest.mark.parametrize("use", OUTSIDE.values(), ids=OUTSIDE)
def test_numbers_out_of_range_are_named(use):
    x, index = nb.ones(4, 3, device="cuda"), nb.tensor([[0, 1, 2, 7]] * 4, device="cuda")
    with pytest.raises((IndexError, RuntimeError), match=r"(index|got|Target) 7|, got 7"):
        use(x, index)


BEYOND = {
    "one dimension": (lambda x: x[:, 0], lambda index: index, 0),
    "after a slice": (lambda x: x, lambda index: (slice(None), index), 1),
    "after an integer": (lambda x: x, lambda index: (2, index), 0),
    "after None and a mask": (lambda x: x, lambda index: (None, np.array([True, False, True, False]), index), 2),
    "after an ellipsis": (lambda x: x, lambda index: (..., index), 1),
    "beside another": (lambda x: x, lambda index: ([3], index), 1),
    "beside one of two dimensions": (lambda x: x.mT, lambda index: (index, [[0], [1]]), 0),
}


GIVEN = {
    "list": lambda numbers, device: numbers,
    "array": lambda numbers, device: np.array(numbers),
    "tensor on the CPU": lambda numbers, device: nb.tensor(numbers),
    "tensor": lambda numbers, device: nb.tensor(numbers, device=device),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize(("of", "beyond", "dimension"), BEYOND.values(), ids=BEYOND)
def test_an_index_beyond_the_end_is_an_error_that_changes_nothing(given, of, beyond, dimension):
    for device in ("cpu", "cuda"):
        x = of(nb.arange(12.0, device=device).reshape(4, 3))
        before, length = x.tolist(), 4 if x.ndim == 1 else 3
        for wrong in (length, 7, -length - 1):
            index = beyond(given([0, wrong], device))
            says = rf"^index {wrong} is out of bounds for dimension {dimension} with size {length}$"
            with pytest.raises(IndexError, match=says):
                x[index]
            with pytest.raises(IndexError, match=says):
                x[index] = 1
        assert x.tolist() == before


def test_indices_from_the_end_are_those_of_the_cpu():
    def build(device):
        x = nb.arange(12.0, device=device).reshape(4, 3).requires_grad_()
        picked = x[[-4, -1, 3], :][..., [-3, 2]]
        (picked * picked).sum().backward()
        y = x.detach().clone()
        y[:, [-1, 0]] = nb.tensor([5.0, 6.0], device=device)
        return picked, x.grad, y, x.detach()[[]], x.detach()[np.zeros((2, 0), int)]

    both(build)


@pytest.mark.skipif(not cuda_device.SIMULATED, reason="needs the simulator: it asks what stands in for CuPy")
def test_the_simulated_arrays_count_on_round_as_those_of_cupy():
    from numbarnn.kernels.cuda.arrays import xp

    x, beyond = xp.asarray(np.arange(6).reshape(2, 3)), xp.asarray([4, -5])
    assert x[:, beyond].tolist() == x[..., beyond].tolist() == [[1, 1], [4, 4]]
    assert x[None, beyond].tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert x.take(beyond, axis=1).tolist() == np.take(x, beyond, 1).tolist() == [[1, 1], [4, 4]]
    x[1, beyond] = -1
    xp.add.at(x, (beyond, xp.asarray([3, 3])), 10)
    assert x.tolist() == [[10, 1, 2], [13, -1, 5]]


def _step(state_on, parameter_on):
    model = nn.Linear(3, 2, device=state_on)
    optimizer = nb.optim.Adam(model.parameters())
    for device in (state_on, parameter_on):
        model.to(device)
        model(nb.ones(1, 3, device=device)).sum().backward()
        optimizer.step()


F = nn.functional
MIXED = {
    "cross_entropy": lambda x, numbers: F.cross_entropy(x, numbers),
    "probabilities": lambda x, numbers: F.cross_entropy(x, nb.ones(4, 3)),
    "cross_entropy, weight": lambda x, numbers: F.cross_entropy(x, numbers.cuda(), weight=nb.ones(3)),
    "nll_loss": lambda x, numbers: F.nll_loss(x, numbers),
    "nll_loss, weight": lambda x, numbers: F.nll_loss(x, numbers.cuda(), weight=nb.ones(3)),
    "binary_cross_entropy": lambda x, numbers: F.binary_cross_entropy(x, nb.ones(4, 3)),
    "binary_cross_entropy, weight": lambda x, numbers: F.binary_cross_entropy(x, x, weight=nb.ones(3)),
    "logits, pos_weight": lambda x, numbers: F.binary_cross_entropy_with_logits(x, x, pos_weight=nb.ones(3)),
    "embedding": lambda x, numbers: nn.Embedding(3, 2, device="cuda")(numbers),
    "embedding on the CPU": lambda x, numbers: nn.Embedding(3, 2)(numbers.cuda()),
    "index_select": lambda x, numbers: x.index_select(0, numbers),
    "masked_select": lambda x, numbers: x.masked_select(nb.ones(4, 3) > 0),
    "gather": lambda x, numbers: x.gather(0, numbers[None, :3]),
    "equal": lambda x, numbers: nb.equal(x, nb.ones(4, 3)),
    "allclose": lambda x, numbers: nb.allclose(x, nb.ones(4, 3)),
    "normal": lambda x, numbers: nb.normal(x, nb.ones(4, 3)),
    "step": lambda x, numbers: _step("cpu", "cuda"),
    "step on the CPU": lambda x, numbers: _step("cuda", "cpu"),
}


@pytest.mark.parametrize("mixed", MIXED.values(), ids=MIXED)
def test_devices_do_not_mix(mixed):
    with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu!"):
        mixed(nb.ones(4, 3, device="cuda"), nb.tensor([0, 1, 2, 0]))


# ---------------------------------------------------------------------------------------------------------------------
# files


@pytest.mark.parametrize("name", ["file.pt", "file.npz"])
@pytest.mark.parametrize("location", ["cuda", "cuda:0", nb.device("cuda")], ids=str)
def test_load_brings_all_there(tmp_path, name, location):
    weight = nn.Parameter(nb.ones(2, 3))
    value = {"state": [{"x": nb.arange(4)}, (nb.zeros(2), 3)], "weight": weight, "tied": weight, "name": "RNN"}
    nb.save(value, tmp_path / name)
    loaded = nb.load(tmp_path / name, map_location=location)
    (first, (second, number)), weight = loaded["state"], loaded["weight"]
    assert all(t.is_cuda for t in (first["x"], second, weight))
    assert (first["x"].tolist(), second.tolist(), number, loaded["name"]) == ([0, 1, 2, 3], [0, 0], 3, "RNN")
    assert isinstance(weight, nn.Parameter)
    assert weight.requires_grad
    assert loaded["tied"] is weight
    assert weight.tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    model = nn.RNN(20, 20, device="cuda")  # weights of more than 1 kB
    copied = pickle.loads(pickle.dumps(model, protocol))
    assert all(p.is_cuda for p in copied.parameters())
    assert all(nb.equal(p, q) for p, q in zip(model.parameters(), copied.parameters(), strict=True))
    copied.weight_hh_l0.detach().zero_()
    assert model.weight_hh_l0.any()
    part = pickle.loads(pickle.dumps(model.weight_hh_l0.detach()[:, 1], protocol))
    assert nb.equal(part, model.weight_hh_l0.detach()[:, 1])


# ---------------------------------------------------------------------------------------------------------------------
# names


def test_a_type_has_the_name_of_its_device():
    x = nb.ones(2)
    assert x.cuda().type() == "torch.cuda.FloatTensor"
    assert x.cuda().long().type() == "torch.cuda.LongTensor"
    there = x.type("torch.cuda.DoubleTensor")
    assert (there.device.type, there.dtype) == ("cuda", nb.float64)
    back = there.type("torch.FloatTensor")
    assert (back.device.type, back.dtype) == ("cpu", nb.float32)
    assert there.type(nb.float32).is_cuda
    with pytest.raises(ValueError, match=r"invalid type: 'torch.cuda.Half': expected one of torch.FloatTensor, "):
        x.type("torch.cuda.Half")


def test_the_device_has_a_name():
    name = nb.cuda.get_device_name()
    assert name
    assert all(nb.cuda.get_device_name(same) == name for same in (0, "cuda", "cuda:0", nb.device("cuda")))
    for other in (1, "cuda:1", "cpu"):
        with pytest.raises(ValueError, match="get_device_name: device: expected 0, 'cuda' or 'cuda:0', got"):
            nb.cuda.get_device_name(other)
