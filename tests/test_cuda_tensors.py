"""Tensors on the device: what is made beside them is made there, and operations give what they give on the CPU."""

from __future__ import annotations

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
