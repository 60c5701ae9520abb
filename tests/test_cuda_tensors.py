"""Tensors on the device: what is made beside them is made there, and operations give what they give on the CPU."""

from __future__ import annotations

import cuda_device
from cuda_device import both

cuda_device.required()

import pytest  # noqa: E402  # what follows needs a device

import numbarnn as nb  # noqa: E402

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
