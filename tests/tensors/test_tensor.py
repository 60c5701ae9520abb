"""Tensors as objects: attributes, conversions, copies, pickles, arrays in and out."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import numbarnn
from numbarnn import Size, Tensor
from numbarnn.nn import Parameter


def test_attributes() -> None:
    x = numbarnn.zeros(2, 3)
    assert x.shape == x.size() == (2, 3)
    assert type(x.shape) is Size
    assert (x.size(0), x.size(-1)) == (2, 3)
    assert (x.ndim, x.dim(), x.numel(), x.element_size(), len(x)) == (2, 2, 6, 4, 2)
    assert x.dtype == numbarnn.float32 == np.float32
    assert x.device == numbarnn.device("cpu")
    assert x.stride() == (3, 1)
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.contiguous() is x
    assert (x.is_leaf, x.requires_grad, x.grad, x.grad_fn) == (True, False, None, None)
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.size(2)
    with pytest.raises(IndexError, match="no dimensions"):
        x[0, 0].size(0)


def test_size_prints_slices_and_adds() -> None:
    shape = numbarnn.zeros(2, 3).shape
    assert f"{shape}" == str(shape) == "numbarnn.Size([2, 3])"
    assert shape.numel() == 6
    assert repr(shape[1:] + (4,)) == "numbarnn.Size([3, 4])"  # noqa: RUF005  # the operator is what is tested
    batch, features = shape
    assert (batch, features) == (2, 3)


def test_memory_is_shared_with_numpy() -> None:
    array = np.zeros((2, 2), np.float32)
    x = numbarnn.from_numpy(array)
    array[0, 0] = 1
    x[1, 1] = 2
    assert x.tolist() == array.tolist() == [[1, 0], [0, 2]]
    assert np.shares_memory(x.numpy(), array)
    assert np.shares_memory(np.asarray(x), array)
    assert x._version.exposed
    y = numbarnn.zeros(2)
    assert not y._version.exposed
    view = y[:1]
    np.asarray(view)[0] = 5
    assert y.tolist() == [5, 0]
    assert y._version.exposed


def test_the_shape_of_a_shared_array_is_each_sides_own() -> None:
    array = np.zeros((2, 3))
    tensors = [numbarnn.from_numpy(array), numbarnn.as_tensor(array), numbarnn.nn.Parameter(array)]
    array.shape = (6,)
    for x in tensors:
        x.detach().numpy().shape = (3, 2)
        np.asarray(x.detach()).shape = (6,)
        assert x.shape == (2, 3)
        assert np.shares_memory(x.detach().numpy(), array)
    with pytest.raises(ValueError, match="resize"):
        array.resize(100)
    assert type(numbarnn.from_numpy(np.ma.array([1.0])).numpy()) is np.ndarray


def test_tensors_take_attributes_and_parameters_subclasses() -> None:
    class Named(numbarnn.nn.Parameter):
        name = "weight"

    for x in (numbarnn.ones(2), Named(numbarnn.ones(2))):
        x.tag = [1]
        assert copy.copy(x).tag is x.tag
        assert copy.deepcopy(x).tag == [1]
        assert copy.deepcopy(x).tag is not x.tag
        assert type(copy.copy(x)) is type(copy.deepcopy(x)) is type(x)
        assert not hasattr(x.detach(), "tag")
        assert not hasattr(x + 1, "tag")
    plain = numbarnn.ones(2)
    plain.tag = plain
    again = pickle.loads(pickle.dumps(plain))
    assert again.tag is again
    assert copy.deepcopy(plain).tag is not plain


def test_array_protocol_converts_and_copies_when_asked() -> None:
    x = numbarnn.ones(2)
    assert np.asarray(x, np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(x), x.numpy())
    assert np.stack([x.numpy(), np.asarray(x)]).shape == (2, 2)
    with pytest.raises(ValueError, match="without a copy"):
        x.__array__(np.float64, copy=False)
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        np.asarray(x.requires_grad_())


def test_arrays_and_numbers_meet_tensors_from_either_side() -> None:
    x = numbarnn.ones(2)
    array = np.full(2, 3, np.float32)
    for found in (x + array, array + x, x * array, array * x, array - x, array / x, np.float32(3) * x):
        assert type(found) is Tensor
        assert found.dtype == numbarnn.float32
    assert (array - x).tolist() == [2, 2]
    assert (array / x).tolist() == [3, 3]
    assert (array == x).tolist() == [False, False]
    assert (np.float64(2) * x).dtype == numbarnn.float32
    assert (np.ones(2) * x).dtype == numbarnn.float64
    assert (np.ones((2, 2), np.float32) @ x).tolist() == [2, 2]


@pytest.mark.parametrize("value", [2.5, 3, True])
def test_single_values_become_python_numbers(value: float) -> None:
    x = numbarnn.tensor(value)
    assert x.item() == value
    assert type(x.item()) is type(value)
    assert x.tolist() == value
    assert float(x) == float(value)
    assert int(x) == int(value)
    assert bool(x) is True
    assert f"{x}" == str(value)


def test_formatting_a_loss() -> None:
    assert f"Loss: {numbarnn.tensor(0.123456):.4f}" == "Loss: 0.1235"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{numbarnn.ones(2):.4f}"


def test_index_protocol() -> None:
    assert [10, 20, 30][numbarnn.tensor(2)] == 30
    assert list(range(numbarnn.tensor([3]))) == [0, 1, 2]  # type: ignore[call-overload]  # __index__ is what is tested
    with pytest.raises(TypeError, match="only integer tensors"):
        [1][numbarnn.tensor(0.0)]


def test_equality_is_elementwise_and_hashing_by_identity() -> None:
    x, y = numbarnn.ones(2), numbarnn.ones(2)
    assert (x == y).all()
    assert len({x, y, x}) == 2
    assert (x == None) is False  # noqa: E711  # torch's answer
    assert (x != "a") is True
    assert x.equal(y)
    assert x.eq(y).tolist() == [True, True]
    assert x.ne(y).tolist() == [False, False]


def test_conversions_return_the_tensor_itself_where_nothing_changes() -> None:
    x = numbarnn.ones(2)
    assert x.float() is x.to("cpu") is x.to(numbarnn.float32) is x.to(numbarnn.device("cpu")) is x.cpu() is x
    assert x.to(numbarnn.float32, copy=True) is not x
    assert x.to("cpu", numbarnn.float64).dtype == x.double().dtype == x.to(dtype=float).double().dtype == np.float64
    assert x.long().dtype == x.to(int).dtype == numbarnn.int64
    assert x.to(x.long()).dtype == x.type_as(x.long()).dtype == numbarnn.int64
    with pytest.raises(RuntimeError, match="expected 'cpu' or 'cuda', got 'mps'"):
        x.to("mps")
    with pytest.raises(TypeError, match="float16"):
        x.to(np.float16)


def test_data_can_be_replaced() -> None:
    w = Parameter(numbarnn.ones(2))
    w._cache = "made of the old values"
    w.data = numbarnn.tensor([3.0, 4.0])
    assert w.tolist() == [3, 4]
    assert w.requires_grad
    assert w._cache is None
    w.data.add_(1)
    assert w.tolist() == [4, 5]


def test_parameters() -> None:
    w = Parameter(numbarnn.ones(2))
    assert isinstance(w, Tensor)
    assert w.requires_grad
    assert w.is_leaf
    assert type(w * 1) is Tensor
    assert repr(w) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert not Parameter(numbarnn.ones(2), requires_grad=False).requires_grad
    assert Parameter().shape == (0,)
    source = numbarnn.zeros(2)
    with numbarnn.no_grad():
        Parameter(source)[0] = 1
    assert source.tolist() == [1, 0]
    with pytest.raises(RuntimeError, match="floating point"):
        Parameter(numbarnn.tensor([1]))
    with pytest.raises(TypeError, match="expected data to be a Tensor"):
        Parameter([1.0])  # type: ignore[arg-type]  # the error is the point


@pytest.mark.parametrize("through", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_keep_class_values_and_requires_grad(through: Any) -> None:
    for tensor in (Parameter(numbarnn.ones(2)), numbarnn.ones(2, requires_grad=True), numbarnn.tensor([1, 2])):
        twin = through(tensor)
        assert type(twin) is type(tensor)
        assert twin.tolist() == tensor.tolist()
        assert twin.dtype == tensor.dtype
        assert twin.requires_grad == tensor.requires_grad
        assert not np.shares_memory(twin.detach().numpy(), tensor.detach().numpy())


def test_deepcopy_of_shared_tensors_and_of_gradients() -> None:
    w, p = numbarnn.ones(2, requires_grad=True), Parameter(numbarnn.ones(2))
    (w + p).sum().backward()
    a, b, other = copy.deepcopy([w, w, p])
    assert a is b
    assert a.grad.tolist() == [1, 1]
    assert a.grad is not w.grad
    assert other.grad is None
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(w * 2)


def test_tensor_as_a_constructor() -> None:
    assert Tensor([1, 2]).dtype == numbarnn.float32
    assert Tensor(2, 3).shape == (2, 3)
    assert Tensor(np.ones(2)).tolist() == [1, 1]
    assert Tensor().shape == (0,)
    with pytest.raises(TypeError, match="expected ints or one tuple of ints"):
        Tensor([1], [2])


def test_products_refuse_what_is_no_matrix() -> None:
    x = numbarnn.ones(2, 3)
    with pytest.raises(TypeError, match="unsupported operand"):
        x @ 2
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        x @ x
    with pytest.raises(RuntimeError, match="self must be a matrix"):
        x[0].mm(x)
    with pytest.raises(RuntimeError, match=r"float32 != float64"):
        x @ x.double().T


def test_there_is_no_gpu() -> None:
    assert numbarnn.cuda.is_available() is False
    assert numbarnn.cuda.device_count() == 0
    assert str(numbarnn.device("cuda" if numbarnn.cuda.is_available() else "cpu")) == "cpu"


def test_everything_named_in_all_is_there() -> None:
    for name in numbarnn.__all__:
        assert getattr(numbarnn, name) is not None
