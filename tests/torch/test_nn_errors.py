"""Errors and warnings of layers and losses beside torch's: their types, their number, how they start."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")


def outcome(function: Any, *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
    """What a call returns, or the exception it raises, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            result = error
    return result, [str(w.message) for w in caught if issubclass(w.category, UserWarning)]


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def lift(library: Any, value: Any) -> Any:
    return library.tensor(value) if isinstance(value, np.ndarray) else value


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """A call of F.name, for either library."""

    def run(lib: Any) -> Any:
        function = getattr(lib.nn.functional, name)
        return function(*(lift(lib, a) for a in args), **{k: lift(lib, v) for k, v in kwargs.items()})

    return run


X, Y = floats(4, 3), np.array([2, 0, 1, 0])
BCE = "binary_cross_entropy_with_logits"
CALLS = [
    (call("cross_entropy", X, np.array([0, 5, 1, 0])), "Target 5 is out of bounds."),
    (call("cross_entropy", X, np.array([0, -1, 1, 0])), "Target -1 is out of bounds."),
    (call("cross_entropy", floats(2, 3, 4), np.full((2, 4), 7)), "Target 7 is out of bounds."),
    (call("cross_entropy", X, Y[:2]), "Expected input batch_size (4) to match target batch_size (2)."),
    (call("cross_entropy", X[0], Y[:2]), "For 1D input, 1D target must have size 1, but got target size: 2"),
    (call("cross_entropy", X, Y.astype(np.float32)), "expected target dtype to be"),
    (call("cross_entropy", X, Y > 1), "expected target dtype to be"),
    (call("cross_entropy", X, np.ones((4, 2), np.float32)), "0D or 1D target tensor expected, multi-target not supp"),
    (call("cross_entropy", X, np.ones((4, 3), np.int64)), "Expected floating point type for target with class prob"),
    (call("cross_entropy", X.astype(np.int64), Y), '"'),
    (call("cross_entropy", X, Y, np.ones(2, np.float32)), "weight tensor should be defined either for all 3 classes"),
    (call("cross_entropy", X, Y, label_smoothing=1.5), "label_smoothing must be between 0.0 and 1.0. Got: 1.5"),
    (call("cross_entropy", X, X, ignore_index=1), "ignore_index is not supported for floating point target"),
    (call("cross_entropy", X, Y, reduction="avg"), "avg is not a valid value for reduction"),
    (call("cross_entropy", X, Y, reduction=None), "None is not a valid value for reduction"),
    (call("cross_entropy", floats(2, 3, 4), np.ones((2, 5), np.int64)), "Expected target size [2, 4], got [2, 5]"),
    (call("cross_entropy", floats(2, 3, 4), np.ones(2, np.int64)), "Expected target size [2, 4], got [2]"),
    (call("cross_entropy", floats(2, 0), np.zeros(2, np.int64)), "Target 0 is out of bounds."),
    (call("cross_entropy", X, [0, 1, 2, 0]), "cross_entropy"),
    (call("nll_loss", X, np.array([0, 5, 1, 0])), "Target 5 is out of bounds."),
    (call("nll_loss", X, Y.astype(np.float32)), "expected target dtype to be"),
    (call("nll_loss", X, X), "0D or 1D target tensor expected, multi-target not supported"),
    (call("nll_loss", X, Y[:2]), "Expected input batch_size (4) to match target batch_size (2)."),
    (call("nll_loss", np.array(1.0), np.array(0)), "Expected 1 or more dimensions (got 0)"),
    (call("nll_loss", X[0], Y[:2]), "For 1D input, 1D target must have size 1, but got target size: 2"),
    (call("nll_loss", X, Y, reduction="avg"), "avg is not a valid value for reduction"),
    (call("nll_loss", X, Y, np.ones(2, np.float32)), "weight tensor should be defined either for all 3 classes or no"),
    (call("nll_loss", X.astype(np.int64), Y), '"nll_loss'),
    (call("nll_loss", floats(2, 3, 4), np.ones((5, 4), np.int64)), "Expected input batch_size (2) to match target"),
    (call("mse_loss", X, X[:, :1]), None),
    (call("mse_loss", X, X[:, 0]), "The size of tensor a (3) must match the size of tensor b (4) at non-singleton"),
    (call("mse_loss", X, X, reduction="avg"), "avg is not a valid value for reduction"),
    (call("mse_loss", Y, Y), '"mse'),
    (call("mse_loss", X, X, size_average=False), None),
    (call("l1_loss", X, X, reduce=False), None),
    (call("l1_loss", X, X[:, :1]), None),
    (call(BCE, X, X[:, :1]), "Target size ("),
    (call(BCE, X, X, reduction="avg"), "avg is not a valid value for reduction"),
    (call(BCE, X, X, pos_weight=X[0, :2]), "The size of tensor a (2) must match the size of tensor b (3)"),
    (call("linear", floats(4, 5), floats(3, 2)), "mat1 and mat2 shapes cannot be multiplied (4x5 and 2x3)"),
    (call("linear", floats(5), floats(3, 2)), "mat1 and mat2 shapes cannot be multiplied (1x5 and 2x3)"),
    (call("linear", floats(2, 4, 5), floats(3, 2)), "mat1 and mat2 shapes cannot be multiplied (8x5 and 2x3)"),
    (call("linear", X, floats(2, 3).astype("f8"), floats(2).astype("f8")), "mat1 and mat2 must have the same dtype"),
    (call("linear", np.array(1.0, np.float32), floats(3, 2)), "both arguments to linear need to be at least 1D, but"),
    (call("embedding", np.array([5]), floats(5, 3)), "index out of range in self"),
    (call("embedding", np.array([-1]), floats(5, 3)), "index out of range in self"),
    (call("embedding", np.array([1.0]), floats(5, 3)), "Expected tensor for argument #1 'indices' to have one of the"),
    (call("embedding", np.array([1]), floats(5)), "'weight' must be 2-D"),
    (call("embedding", np.array([1]), floats(5, 3), padding_idx=5), "Padding_idx must be within num_embeddings"),
    (call("embedding", [1, 2], floats(5, 3)), "embedding(): argument 'indices'"),
    (call("dropout", X, 1.5), "dropout probability has to be between 0 and 1, but got 1.5"),
    (call("dropout", Y, 0.5), ""),
    (call("softmax", X), None),
    (call("softmax", X, 5), "Dimension out of range (expected to be in range of [-2, 1], but got 5)"),
    (call("log_softmax", Y, 0), '"'),
    (lambda lib: lib.nn.Linear(-1, 3), "Trying to create tensor with negative dimension -1"),
    (lambda lib: lib.nn.Linear(2.0, 3), ""),
    (lambda lib: lib.nn.Linear(0, 3), None),
    (lambda lib: lib.nn.Linear(2, 3, dtype=lib.int64), ""),
    (lambda lib: lib.nn.Dropout(-0.1), "dropout probability has to be between 0 and 1, but got -0.1"),
    (lambda lib: lib.nn.Dropout("a"), ""),
    (lambda lib: lib.nn.Embedding(5, 3, padding_idx=5), "Padding_idx must be within num_embeddings"),
    (lambda lib: lib.nn.Embedding(5, 3, _weight=lib.ones(2, 2)), "Shape of weight does not match num_embeddings and"),
    (lambda lib: lib.nn.Embedding.from_pretrained(lib.ones(3)), "Embeddings parameter is expected to be 2-dimensional"),
    (lambda lib: lib.nn.CrossEntropyLoss(weight=3), "cannot assign 'int' object to buffer 'weight' ("),
    (lambda lib: lib.nn.CrossEntropyLoss(size_average=False), None),
    (lambda lib: lib.nn.Module()(1), 'Module [Module] is missing the required "forward" function'),
    (lambda lib: lib.nn.Module(1), ""),
    (lambda lib: setattr(lib.nn.Linear(1, 1), "weight", 3), "cannot assign 'int' as parameter 'weight' ("),
    (lambda lib: setattr(lib.nn.Linear(1, 1), "weight", lib.ones(1)), "cannot assign '"),
    (lambda lib: setattr(lib.nn.Sequential(lib.nn.Tanh()), "0", 3), "cannot assign 'int' as child module '0' ("),
    (lambda lib: setattr(lib.nn.NLLLoss(lib.ones(1)), "weight", 3), "cannot assign 'int' as buffer 'weight' ("),
    (lambda lib: lib.nn.Module().register_buffer(3, None), "buffer name should be a string. Got int"),
    (lambda lib: lib.nn.Module().register_buffer("a.b", None), "'buffer name can\\'t contain \".\""),
    (lambda lib: lib.nn.Module().register_parameter("", None), "'parameter name can\\'t be empty string \"\"'"),
    (lambda lib: lib.nn.Module().register_parameter("forward", None), '"attribute \'forward\' already exists"'),
    (lambda lib: lib.nn.Module().register_parameter("p", lib.ones(1)), "cannot assign '"),
    (lambda lib: lib.nn.Module().add_module("a.b", None), "'module name can\\'t contain \".\", got: a.b'"),
    (lambda lib: lib.nn.Module().add_module("a", 3), "int is not a Module subclass"),
    (lambda lib: lib.nn.Module().nope, "'Module' object has no attribute 'nope'"),
    (lambda lib: delattr(lib.nn.Module(), "nope"), "'Module' object has no attribute 'nope'"),
    (lambda lib: lib.nn.Module().train(3), "training mode is expected to be boolean"),
    (lambda lib: lib.nn.Module().to(lib.int64), "nn.Module.to only accepts floating point"),
    (lambda lib: lib.nn.Module().get_submodule("x.y"), "Module has no attribute `x`"),
    (lambda lib: lib.nn.Module().load_state_dict([1]), "Expected state_dict to be dict-like, got <class 'list'>."),
    (lambda lib: lib.nn.Sequential(3), "int is not a Module subclass"),
    (lambda lib: lib.nn.Sequential(lib.nn.Tanh())[5], "index 5 is out of range"),
    (lambda lib: lib.nn.Sequential(lib.nn.Tanh())["a"], "'str' object cannot be interpreted as an integer"),
    (lambda lib: lib.nn.Sequential(lib.nn.Tanh()).insert(9, lib.nn.Tanh()), "Index out of range: 9"),
    (lambda lib: lib.nn.Sequential(lib.nn.Tanh()).insert(0, 3), "module should be of type: <class "),
    (lambda lib: lib.nn.Sequential(lib.nn.Tanh()) + 3, "add operator supports only objects of Sequential class, but"),
    (lambda lib: lib.nn.ModuleList(3), "ModuleList.extend should be called with an iterable, but got int"),
    (lambda lib: lib.nn.ModuleList([lib.nn.Tanh()])(3), 'Module [ModuleList] is missing the required "forward" func'),
    (lambda lib: lib.nn.ModuleList([lib.nn.Tanh()])[-9], "index -9 is out of range"),
    (lambda lib: lib.nn.Parameter(lib.ones(2, dtype=lib.int64)), "nly Tensors of floating point"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_errors_and_warnings(number: int) -> None:
    run, stem = CALLS[number]
    found, our_warnings = outcome(run, numbarnn)
    expected, their_warnings = outcome(run, torch)
    assert len(our_warnings) == len(their_warnings), (our_warnings, their_warnings)
    for ours, theirs in zip(our_warnings, their_warnings, strict=True):
        plain = theirs.replace("torch.Size", "numbarnn.Size")
        assert ours.replace("torch.Size", "numbarnn.Size")[:60] == plain[:60]
    if stem is None:
        assert not isinstance(found, Exception)
        assert not isinstance(expected, Exception)
    else:
        assert type(found) is type(expected), (found, expected)
        assert stem in str(found), found
        assert stem in str(expected), expected
