"""Module: what is registered and listed, modes, hooks, state, copies."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import numbarnn
from numbarnn import nn


class Net(nn.Module):
    """A tied weight, both kinds of buffer, a nested module."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.inner = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
        self.inner[0].weight = self.first.weight
        self.register_buffer("scale", numbarnn.tensor([2.0]))
        self.register_buffer("scratch", numbarnn.tensor([7.0]), persistent=False)

    def forward(self, x: object) -> object:
        return self.inner(self.first(x)) * self.scale


NAMES = ["first.weight", "first.bias", "inner.0.bias"]
KEYS = ["scale", "first.weight", "first.bias", "inner.0.weight", "inner.0.bias"]


def names(pairs: object) -> list[str]:
    return [name for name, _ in pairs]


# ---------------------------------------------------------------------------------------------------------------------
# registration


def test_listings() -> None:
    net = Net()
    assert names(net.named_parameters()) == NAMES
    assert names(net.named_parameters(prefix="net", remove_duplicate=False))[2] == "net.inner.0.weight"
    assert names(net.named_parameters(recurse=False)) == []
    assert names(net.named_buffers()) == ["scale", "scratch"]
    assert names(net.named_modules()) == ["", "first", "inner", "inner.0", "inner.1"]
    assert list(net.children()) == [net.first, net.inner]
    assert len(list(net.parameters())) == 3
    assert list(net.state_dict()) == KEYS
    assert isinstance(net.state_dict(), OrderedDict)
    assert net.get_submodule("inner.1") is net.inner[1]
    assert net.get_parameter("inner.0.bias") is net.inner[0].bias
    assert {"first", "scale"} <= set(dir(net))


def test_assignment_sorts_by_kind() -> None:
    net = nn.Module()
    net.x = nn.Parameter(numbarnn.ones(1))
    assert list(net._parameters) == ["x"]
    net.x = None
    assert list(net._parameters) == ["x"]
    assert list(net.parameters()) == []
    del net.x
    assert not hasattr(net, "x")
    net.x = 3
    net.x = nn.Tanh()
    assert list(net._modules) == ["x"]
    assert "x" not in net.__dict__
    net.x = nn.Parameter(numbarnn.ones(1))
    assert list(net._modules) == []
    net.register_buffer("b", numbarnn.ones(1), persistent=False)
    net.b = numbarnn.zeros(2)
    assert tuple(net.b.shape) == (2,)
    assert list(net.state_dict()) == ["x"]
    net.b = nn.Parameter(numbarnn.ones(1))
    assert list(net.state_dict()) == ["x", "b"]


def test_before_init_is_an_error_that_says_so() -> None:
    for value, kind in ((nn.Parameter(numbarnn.ones(1)), "parameters"), (nn.Tanh(), "module")):
        net = nn.Module.__new__(nn.Module)
        with pytest.raises(AttributeError, match=rf"cannot assign {kind} before Module.__init__\(\) call"):
            net.x = value
    with pytest.raises(AttributeError, match=r"cannot assign buffer before Module.__init__\(\) call"):
        nn.Module.__new__(nn.Module).register_buffer("b", None)


def test_refused_assignments_change_nothing() -> None:
    net = Net()
    for owner, name, value in ((net.first, "weight", np.ones((3, 3))), (net, "inner", 3), (net, "scale", 1.0)):
        before = getattr(owner, name)
        with pytest.raises(TypeError, match=f"cannot assign '{type(value).__name__}' as"):
            setattr(owner, name, value)
        assert getattr(owner, name) is before
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        net.register_parameter("forward", None)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nope'"):
        net.nope  # noqa: B018  (reading it is the test)


def test_a_weight_that_is_set_is_used() -> None:
    layer = nn.Linear(2, 1, bias=False)
    layer.weight = nn.Parameter(numbarnn.tensor([[1.0, 10.0]]))
    assert layer(numbarnn.tensor([2.0, 3.0])).tolist() == [32.0]


# ---------------------------------------------------------------------------------------------------------------------
# modes, types, gradients


def test_train_and_eval_reach_all() -> None:
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_double_keeps_the_parameters_and_their_ties() -> None:
    net = Net()
    before = list(net.parameters())
    net(numbarnn.ones(3)).sum().backward()
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} | {p.grad.dtype for p in net.parameters()} == {np.dtype("float64")}
    assert net.scale.dtype == np.float64
    assert net.inner[0].weight is net.first.weight
    assert net(numbarnn.ones(3, dtype=numbarnn.float64)).dtype == np.float64
    assert net.float().first.weight.dtype == np.float32
    for same in (net.to("cpu"), net.cpu(), net.to(numbarnn.device("cpu")), net.to(numbarnn.float32)):
        assert same.first.weight.dtype == np.float32
    for wanted in ((numbarnn.zeros(1, dtype=numbarnn.float64),), ("cpu", numbarnn.float64)):
        assert Net().to(*wanted).first.weight.dtype == np.float64
    assert Net().to(dtype=numbarnn.float64).first.weight.dtype == np.float64
    with pytest.raises(TypeError, match="only accepts floating point dtypes"):
        net.to(numbarnn.int64)
    with pytest.raises(RuntimeError, match="cuda"):
        net.to("cuda", numbarnn.float64)
    assert net.first.weight.dtype == np.float32


def test_zero_grad_and_requires_grad() -> None:
    net = Net()
    net(numbarnn.ones(3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(not p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(numbarnn.ones(3)).requires_grad


def test_apply_goes_bottom_up() -> None:
    seen = []
    net = Net()
    assert net.apply(seen.append) is net
    assert seen == [net.first, net.inner[0], net.inner[1], net.inner, net]


def test_forward_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)


def test_hooks() -> None:
    class Identity(nn.Module):
        def forward(self, x: int, *, add: int = 0) -> int:
            return x + add

    module, log = Identity(), []
    last = module.register_forward_hook(lambda m, args, out: out * 2)
    module.register_forward_hook(lambda m, args, out: log.append((args, out)), prepend=True)
    double = module.register_forward_pre_hook(lambda m, args: args[0] * 10)
    assert module(3) == 60
    assert log == [((30,), 30)]
    double.remove()
    double.remove()
    with module.register_forward_pre_hook(lambda m, args, kw: (args, kw | {"add": 1}), with_kwargs=True):
        assert module(3) == 8
    last.remove()
    assert module(3) == 3


# ---------------------------------------------------------------------------------------------------------------------
# state


def test_state_shares_memory_and_loads_into_place() -> None:
    net, other = Net(), Net()
    state = net.state_dict()
    assert not any(value.requires_grad for value in state.values())
    state["first.bias"].fill_(5)
    assert net.first.bias.tolist() == [5, 5, 5]
    assert net.state_dict(keep_vars=True)["first.bias"] is net.first.bias
    weight = other.first.weight
    result = other.load_state_dict(state)
    assert repr(result) == "<All keys matched successfully>"
    assert other.first.weight is weight
    np.testing.assert_array_equal(weight.detach().numpy(), net.first.weight.detach().numpy())


def test_loading_arrays_of_another_type() -> None:
    net = Net()
    state = {key: np.full(value.shape, 2.0, np.float64) for key, value in net.state_dict().items()}
    net.load_state_dict(state)
    assert net.first.weight.dtype == np.float32
    assert all(np.all(value.numpy() == 2) for value in net.state_dict().values())


def test_assign_puts_the_given_tensors_in_place() -> None:
    net = Net()
    net.first.bias.requires_grad_(False)
    state = {key: numbarnn.ones(value.shape, dtype=numbarnn.float64) for key, value in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    assert net.first.bias.dtype == np.float64
    assert isinstance(net.first.bias, nn.Parameter)
    assert not net.first.bias.requires_grad
    assert net.first.weight.requires_grad
    state["scale"].fill_(9)
    assert net.scale.tolist() == [9]


def test_a_refused_load_says_everything_and_changes_nothing() -> None:
    net = Net()
    before = copy.deepcopy(net.state_dict())
    state = {key: numbarnn.zeros(value.shape) for key, value in before.items()}
    del state["scale"]
    state["extra"] = numbarnn.zeros(1)
    state["inner.0.bias"] = numbarnn.zeros(4)  # the last key of all
    state["first.bias"] = "three"
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    lines = str(caught.value).split("\n\t")
    assert lines[0] == "Error(s) in loading state_dict for Net:"
    assert lines[1] == 'Missing key(s) in state_dict: "scale". '
    assert lines[2] == 'Unexpected key(s) in state_dict: "extra". '
    assert lines[3].startswith('While copying the parameter named "first.bias", expected a Tensor or an array')
    assert lines[4].startswith("size mismatch for inner.0.bias: copying a param with shape")
    state["first.bias"] = numbarnn.zeros(3)
    for assign in (False, True):
        with pytest.raises(RuntimeError, match="size mismatch"):
            net.load_state_dict(state, strict=False, assign=assign)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key].numpy())


@pytest.mark.parametrize("value", [np.zeros(3, np.int64), np.zeros(3, np.float16), np.zeros(3, ">f4")], ids=str)
def test_assigning_what_cannot_be_a_parameter_changes_nothing(value: np.ndarray) -> None:
    net = Net()
    state = {**copy.deepcopy(net.state_dict()), "first.bias": value}
    before = [(id(p), p.tolist()) for p in net.parameters()]
    with pytest.raises(RuntimeError, match=r'While copying the parameter named "first\.bias"'):
        net.load_state_dict(state, assign=True)
    assert [(id(p), p.tolist()) for p in net.parameters()] == before


def test_loading_into_read_only_memory_writes_nothing() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    frozen = np.ones((1,), np.float32)
    frozen.flags.writeable = False
    net[1].load_state_dict({"weight": np.ones((1, 1), np.float32), "bias": frozen}, assign=True)
    before = net[0].weight.tolist()
    with pytest.raises(RuntimeError, match=r'"1\.bias": its memory in the current model is read-only'):
        net.load_state_dict({key: numbarnn.zeros(value.shape) for key, value in net.state_dict().items()})
    assert net[0].weight.tolist() == before


def test_not_strict() -> None:
    net = Net()
    result = net.load_state_dict({"scale": numbarnn.tensor([3.0]), "extra": numbarnn.ones(1)}, strict=False)
    assert result.missing_keys == KEYS[1:]
    assert result.unexpected_keys == ["extra"]
    assert repr(result).startswith("_IncompatibleKeys(missing_keys=['first.weight'")
    assert net.scale.tolist() == [3]
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        net.load_state_dict([1])


def test_copies_keep_ties_and_share_nothing() -> None:
    net = Net()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.inner[0].weight is other.first.weight
        assert names(other.named_parameters()) == NAMES
        assert other.scratch.tolist() == [7]
        other.first.weight.detach().numpy()[...] = 0
        assert net.first.weight.detach().numpy().all()
        assert repr(other) == repr(net)
