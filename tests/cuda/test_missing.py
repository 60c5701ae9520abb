"""Without a GPU, or without the extra: which of the two is missing, and that nothing else changes."""

from __future__ import annotations

import ctypes
import importlib.util
import io

import cuda_device
import numpy as np
import pytest

import numbarnn
import numbarnn as nb
from numbarnn import cuda, nn

if cuda.is_available() or cuda_device.SIMULATED:
    pytest.skip("there is a GPU, or the simulator", allow_module_level=True)

ASKED = [
    lambda: nn.RNN(2, 3, device="cuda"),
    lambda: nn.RNNCell(2, 3, device="cuda:0"),
    lambda: nn.Linear(2, 3, device="cuda"),
    lambda: nn.Embedding(2, 3, device=nb.device("cuda")),
    lambda: nn.RNN(2, 3).to("cuda"),
    lambda: nn.RNN(2, 3).cuda(),
    lambda: nb.zeros(2).to("cuda"),
    lambda: nb.zeros(2).cuda(),
    lambda: nb.zeros(2, device="cuda"),
    lambda: nb.tensor([1.0], device="cuda"),
    lambda: nb.as_tensor(np.zeros(2), device="cuda"),
    lambda: nb.zeros(2).new_ones(2, device="cuda"),
    lambda: nb.randn(2, device="cuda"),
    lambda: nb.load(io.BytesIO(), map_location="cuda"),
    lambda: cuda.synchronize(),
    lambda: cuda.current_device(),
    lambda: cuda.get_device_name(),
    lambda: nb.zeros(2).type("torch.cuda.FloatTensor"),
    lambda: nb.as_tensor(Foreign()),
    lambda: nn.RNN(2, 3)(Foreign()),
]


class Foreign:
    __cuda_array_interface__ = {"shape": (2, 2), "typestr": "<f4", "data": (64, False), "version": 3}  # noqa: RUF012


@pytest.mark.parametrize("asked", ASKED, ids=range(len(ASKED)))
def test_asking_for_it_says_what_is_missing(asked):
    with pytest.raises(RuntimeError, match=r"device 'cuda': missing .*an NVIDIA GPU \("):
        asked()


def test_nothing_is_there():
    assert not cuda.is_available()
    assert cuda.device_count() == 0
    cuda.manual_seed(0)  # programs call these whether there is one or not
    cuda.empty_cache()
    assert numbarnn.config.configuration()["GPU"] == f"none: missing {cuda.missing()}"
    assert nb.device("cuda:1").index == 1  # a name, as in torch
    assert not nb.zeros(1).is_cuda


EXTRA, GPU = "CuPy and numba-cuda (pip install 'numbarnn[cuda]')", "an NVIDIA GPU (there is no driver"


@pytest.mark.parametrize(
    ("installed", "gpus", "says"),
    [
        ([], None, f"device 'cuda': missing {EXTRA} and {GPU}"),
        ([], 1, f"device 'cuda': missing {EXTRA}"),
        (["cupy"], 1, "device 'cuda': missing numba-cuda (pip install 'numbarnn[cuda]')"),
        (["numba_cuda"], 1, "device 'cuda': missing CuPy (pip install 'numbarnn[cuda]')"),
        (["cupy", "numba_cuda"], None, f"device 'cuda': missing {GPU}: libcuda.so.1 cannot be loaded)"),
        (["cupy", "numba_cuda"], 0, "missing an NVIDIA GPU (the driver is there, but shows none: CUDA error 100)"),
        (["cupy", "numba_cuda"], 1, None),
        (
            ["cupy", "numba_cuda"],
            6,
            "an NVIDIA GPU of compute capability 7.0 or newer (this one's begins with 6)",
        ),
        (["cupy", "numba_cuda"], "the second is current, the first too old", None),
        (
            ["cupy", "numba_cuda"],
            "the second is current and too old",
            "an NVIDIA GPU of compute capability 7.0 or newer (this one's begins with 6)",
        ),
    ],
)
def test_which_of_the_two_is_missing(monkeypatch, installed, gpus, says):
    two = isinstance(gpus, str)
    majors = {6: [6] * 6, "the second is current, the first too old": [6, 9]}.get(gpus, [9, 6])

    class Driver:
        def cuInit(self, flags):
            return 0 if gpus else 100

        def cuDeviceGetCount(self, pointer):
            pointer._obj.value = 2 if two else gpus
            return 0

        def cuCtxGetDevice(self, pointer):
            pointer._obj.value = 1 if two else -1
            return 0 if two else 201  # no context

        def cuDeviceGetAttribute(self, pointer, attribute, device):
            pointer._obj.value = majors[device.value]
            return 0

    def load(name):
        if gpus is None:
            raise OSError(name)
        return Driver()

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name in installed else None)
    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(cuda, "_no_cublas", lambda: False)
    cuda.missing.cache_clear()
    try:
        assert cuda.is_available() == (says is None)
        if says:
            with pytest.raises(RuntimeError) as error:
                cuda.require()
            assert says in str(error.value)
    finally:
        cuda.missing.cache_clear()


def test_a_refused_move_leaves_the_model_as_it_was():
    model = nn.RNN(1, 2)
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(RuntimeError, match="missing"):
        model.to("cuda", nb.float64)
    assert all(nb.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert model.weight_hh_l0.dtype == nb.float32


def test_a_cupy_without_cublas_is_said_to_be(monkeypatch):
    monkeypatch.setattr(cuda, "_no_gpu", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(cuda.importlib, "import_module", _no_library)
    cuda.missing.cache_clear()
    try:
        with pytest.raises(RuntimeError, match=r"device 'cuda': missing cuBLAS, .*pip install nvidia-cublas-cu12"):
            cuda.require()
    finally:
        monkeypatch.undo()
        cuda.missing.cache_clear()


def _no_library(name):
    raise ImportError(f"Failure finding a library for {name}")
