"""One adapter for each system: the same one-layer float32 RNN, through the interface its users have.

Each is given the same weights, input and d_output, and takes as many threads as it takes by default.  Nothing of a
system is imported before its adapter is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .shapes import Shape

Array = np.ndarray[Any, np.dtype[np.float32]]


class Problem(NamedTuple):
    """A seeded RNN with the inputs of its forward and backward passes."""

    shape: Shape
    x: Array  # (T, B, I)
    weights: dict[str, Array]  # by torch's names
    d_output: Array  # (T, B, H)


class Passes(NamedTuple):
    """forward() returns the output, training() the gradient of W_hh; None: the system cannot train."""

    forward: Callable[[], Any]
    training: Callable[[], Any] | None


def problem(shape: Shape) -> Problem:
    """Weights as torch draws them, from U(-1 / sqrt(H), 1 / sqrt(H))."""
    rng = np.random.default_rng(0)
    B, T, I, H = shape
    sizes = {"weight_ih_l0": (H, I), "weight_hh_l0": (H, H), "bias_ih_l0": (H,), "bias_hh_l0": (H,)}
    weights = {name: rng.uniform(-(H**-0.5), H**-0.5, size).astype(np.float32) for name, size in sizes.items()}
    x, d_output = (rng.standard_normal((T, B, n), dtype=np.float32) for n in (I, H))
    return Problem(shape, x, weights, d_output)


def torch_like(library: Any, rnn: Any, x: Array, d_output: Array) -> Passes:
    """An RNN of numbarnn or torch: one program serves both."""
    x, leaf = library.tensor(x), library.tensor(x, requires_grad=True)
    d_output = library.tensor(d_output)

    def forward() -> Any:
        with library.inference_mode():
            return rnn(x)[0]

    def training() -> Any:
        rnn.zero_grad()
        leaf.grad = None
        rnn(leaf)[0].backward(d_output)
        return rnn.weight_hh_l0.grad

    return Passes(forward, training)


def _library(name: str) -> Callable[[Problem], Passes]:
    def adapter(problem: Problem) -> Passes:
        library = importlib.import_module(name)
        rnn = library.nn.RNN(problem.shape.I, problem.shape.H)
        rnn.load_state_dict({key: library.tensor(value) for key, value in problem.weights.items()})
        return torch_like(library, rnn, problem.x, problem.d_output)

    return adapter


def _onnxruntime(problem: Problem) -> Passes:
    """The operator RNN of ONNX as a model of one node."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    w = problem.weights
    constants = {
        "W": w["weight_ih_l0"][None],
        "R": w["weight_hh_l0"][None],
        "B": np.concatenate([w["bias_ih_l0"], w["bias_hh_l0"]])[None],
    }
    B, T, I, H = problem.shape
    graph = helper.make_graph(
        [helper.make_node("RNN", ["x", *constants], ["output"], hidden_size=H)],
        "rnn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [T, B, I])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [T, 1, B, H])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    # the oldest formats that have all of this, so that any onnxruntime reads what any onnx writes
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {"x": problem.x}
    return Passes(lambda: session.run(None, inputs)[0], None)


def _jax(problem: Problem) -> Passes:
    """jit(lax.scan), with the inputs of all steps projected in one product before the loop."""
    import jax
    import jax.numpy as jnp

    def rnn(weights: Any, x: Any) -> Any:
        projected = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"] + weights["bias_hh_l0"]

        def step(h: Any, projected_t: Any) -> Any:
            h = jnp.tanh(projected_t + h @ weights["weight_hh_l0"].T)
            return h, h

        h_0 = jnp.zeros((problem.shape.B, problem.shape.H), jnp.float32)
        return jax.lax.scan(step, h_0, projected)[1]

    def loss(weights: Any, x: Any, d_output: Any) -> Any:
        return jnp.sum(rnn(weights, x) * d_output)

    weights, x, d_output = jax.device_put((problem.weights, problem.x, problem.d_output), jax.devices("cpu")[0])
    run, train = jax.jit(rnn), jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))

    def training() -> Any:
        _, (d_weights, _) = jax.block_until_ready(train(weights, x, d_output))
        return d_weights["weight_hh_l0"]

    return Passes(lambda: run(weights, x).block_until_ready(), training)


class System(NamedTuple):
    """How to run it, and the packages that it needs."""

    adapter: Callable[[Problem], Passes]
    packages: tuple[str, ...]


#: ourselves first
SYSTEMS = {
    "numbarnn": System(_library("numbarnn"), ("numbarnn",)),
    "torch": System(_library("torch"), ("torch",)),
    "onnxruntime": System(_onnxruntime, ("onnxruntime", "onnx")),
    "jax": System(_jax, ("jax",)),
}
OURS, TORCH = "numbarnn", "torch"
