"""Objects put together at random, in both libraries at once: what one writes is what the other reads.

Values, dtypes, flags, strides, which tensors look at the same memory and which containers are one.
"""

from __future__ import annotations

import io
import random
from collections import OrderedDict

import numpy as np
import pytest
from checkpoint_cases import assert_same

import numbarnn

torch = pytest.importorskip("torch")
DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64")
KEYS = ("a", "b.c", "", 1, -(2**40), 1.5, None, b"k", (1, "a"), True, 2j, "é")
PLAIN = (1, -1, 2**31, 2**70, 0.1, float("nan"), "x" * 300, "é", True, None, b"\xff", 1j, bytearray(b"q"), {1, "a"})


class Pairs:
    """Makes (torch's, numbarnn's) of the same object, some of them in several places."""

    def __init__(self, seed):
        self.rng, self.numbers = random.Random(seed), np.random.RandomState(seed)
        self.tensors, self.containers = [], []

    def object(self, depth):
        chance = self.rng.random()
        if self.containers and chance < 0.1:
            return self.rng.choice(self.containers)
        if depth == 0 or chance < 0.4:
            return self.tensor()
        if chance < 0.65:
            names = ("float32", "int64")
            others = [*(tuple(getattr(t, name) for t in (torch, numbarnn)) for name in names)]
            others += [
                (torch.device("cuda:1"), numbarnn.device("cuda:1")),
                (torch.ones(1, 2).shape, numbarnn.ones(1, 2).shape),
            ]
            plain = self.rng.choice(PLAIN)
            return self.rng.choice([(plain, plain), (plain, plain), self.rng.choice(others)])
        items = [self.object(depth - 1) for _ in range(self.rng.randint(0, 4))]
        keys = self.rng.sample(KEYS, len(items))
        kind = self.rng.choice([list, tuple, dict, OrderedDict])
        made = tuple(
            kind(part) if kind in (list, tuple) else kind(zip(keys, part, strict=True))
            for part in zip(*items, strict=True)
        )
        self.containers.append(made or (kind(), kind()))
        return self.containers[-1]

    def tensor(self):
        if self.tensors and self.rng.random() < 0.4:
            made = self.rng.choice(self.tensors)
        else:
            shape = [self.rng.choice([0, 1, 2, 3, 5]) for _ in range(self.rng.randint(0, 4))]
            array = np.array(100 * self.numbers.standard_normal(shape)).astype(self.rng.choice(DTYPES))
            made = torch.from_numpy(array.copy()), numbarnn.from_numpy(array.copy())
        for _ in range(self.rng.randint(0, 3)):
            view = self.rng.choice(VIEWS)
            made = tuple(map(view, made))
        self.tensors.append(made)
        if made[0].is_floating_point() and self.rng.random() < 0.3:
            flag, leaf = self.rng.random() < 0.5, self.rng.random() < 0.5
            made = tuple(
                t.nn.Parameter(x.clone(), requires_grad=flag) if leaf else x.clone().requires_grad_(flag)
                for t, x in zip((torch, numbarnn), made, strict=True)
            )
        return made


VIEWS = (
    lambda x: x.transpose(0, -1) if x.ndim else x,
    lambda x: x[1:] if x.ndim else x,
    lambda x: x[..., ::2] if x.ndim else x,
    lambda x: x[0] if x.ndim and x.shape[0] else x,
    lambda x: x.unsqueeze(0).expand(3, *x.shape),
    lambda x: x.unsqueeze(-1),
    lambda x: x.reshape(-1),
)


def inside(value, found, seen):
    """The tensors in the order in which they are met, those in one container once."""
    if hasattr(value, "requires_grad"):
        found.append(value)
    elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
        seen.add(id(value))
        for item in value.values() if isinstance(value, dict) else value:
            inside(item, found, seen)
    return found


def strides(tensor):
    return tuple(tensor.stride()) if tensor.numel() > 1 else None


def together(tensors):
    """Which of them are one object, and which share memory."""
    arrays = [tensor.detach().numpy() for tensor in tensors]
    return [
        (i, j, tensors[i] is tensors[j], np.shares_memory(arrays[i], arrays[j]))
        for i in range(len(tensors))
        for j in range(i)
        if tensors[i] is tensors[j] or (tensors[i].numel() and tensors[j].numel())
    ]


def check(found, wanted):
    assert_same(found, wanted)
    tensors, expected = inside(found, [], set()), inside(wanted, [], set())
    assert len(tensors) == len(expected)
    assert list(map(strides, tensors)) == list(map(strides, expected))
    assert together(tensors) == together(expected)


@pytest.mark.parametrize("seed", range(60))
def test_random_objects(seed):
    theirs, ours = Pairs(seed).object(4)
    file = io.BytesIO()
    torch.save(theirs, file)
    check(numbarnn.load(file), theirs)
    file = io.BytesIO()
    numbarnn.save(ours, file)
    check(numbarnn.load(file), ours)
    file.seek(0)
    check(torch.load(file, weights_only=True), ours)
    file = io.BytesIO()
    file.name = "file.npz"
    numbarnn.save(ours, file)
    assert_same(numbarnn.load(file), ours)


SCHEDULERS = {
    "StepLR": {"step_size": 2}, "MultiStepLR": {"milestones": [1, 3]}, "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 5}, "LambdaLR": {"lr_lambda": lambda epoch: 0.9**epoch}, "ReduceLROnPlateau": {},
}  # fmt: skip
OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True}, "Adam": {"amsgrad": True}, "AdamW": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_and_scheduler_there_and_back(optimizer, scheduler):
    def start(t):
        parameters = [t.nn.Parameter(t.tensor([1.0, 2.0])), t.nn.Parameter(t.ones(2, 2))]
        groups = [{"params": parameters[:1], "lr": 0.05}, {"params": parameters[1:]}]
        made = getattr(t.optim, optimizer)(groups, lr=0.1, **OPTIMIZERS[optimizer])
        return parameters, made, getattr(t.optim.lr_scheduler, scheduler)(made, **SCHEDULERS[scheduler])

    def run(t, parameters, made, schedule):
        for number in range(3):
            for parameter in parameters:
                parameter.grad = t.ones_like(parameter) * (number + 1)
            made.step()
            schedule.step(*([1.0] if scheduler == "ReduceLROnPlateau" else []))

    sides = {t: start(t) for t in (torch, numbarnn)}
    for t, side in sides.items():
        run(t, *side)
    states = {t: [part.state_dict() for part in side[1:]] for t, side in sides.items()}
    loaded = {}
    for t, other in ((torch, numbarnn), (numbarnn, torch)):
        file = io.BytesIO()
        other.save(states[other], file)
        file.seek(0)
        loaded[t] = t.load(file, weights_only=True)
        assert_same(loaded[t], states[other])
    for t, side in sides.items():
        for part, state in zip(side[1:], loaded[t], strict=True):
            part.load_state_dict(state)
        run(t, *side)
    for theirs, ours in zip(sides[torch][0], sides[numbarnn][0], strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-5)
