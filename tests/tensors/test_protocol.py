"""NumPy's functions on tensors."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import numbarnn as nb

ARRAY = np.array([1.0, 2.0, 4.0])


def leaf():
    return nb.tensor(ARRAY, requires_grad=True)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow"])
@pytest.mark.parametrize("left", [ARRAY + 1, np.float64(3.0)])
def test_an_array_before_a_tensor_keeps_the_gradient(name, left):
    function, x = getattr(operator, name), leaf()
    y = function(left, x)
    assert isinstance(y, nb.Tensor)
    np.testing.assert_allclose(y.detach(), function(left, ARRAY))
    y.sum().backward()
    step = 1e-6
    expected = (function(left, ARRAY + step) - function(left, ARRAY - step)) / (2 * step)
    np.testing.assert_allclose(x.grad, expected, rtol=1e-6)


def test_matrix_product_and_comparison_with_an_array_on_the_left():
    x = leaf()
    y = np.ones((2, 3)) @ x
    y.sum().backward()
    assert np.array_equal(x.grad, [2, 2, 2])
    assert (np.array([1.0, 0.0, 5.0]) >= x.detach()).tolist() == [True, False, True]


def test_other_ufuncs_give_tensors_of_the_values():
    x = leaf().detach()
    y = np.sin(x)
    assert isinstance(y, nb.Tensor)
    assert np.array_equal(y, np.sin(ARRAY))
    fraction, whole = np.modf(x + 0.5)
    assert (fraction.tolist(), whole.tolist()) == ([0.5] * 3, [1, 2, 4])
    assert np.add.reduce(x).item() == 7
    array = ARRAY.copy()
    array += x
    assert type(array) is np.ndarray
    assert np.array_equal(array, 2 * ARRAY)


def test_functions_take_tensors_also_inside_lists():
    x = leaf().detach()
    assert np.mean(x) == ARRAY.mean()
    assert np.array_equal(np.concatenate([x, ARRAY]), [1, 2, 4, 1, 2, 4])
    assert np.array_equal(np.where(x > 1, x, 0), [0, 2, 4])
    assert np.linalg.norm(x) == np.linalg.norm(ARRAY)


@pytest.mark.parametrize("function", [np.sin, np.mean, lambda x: np.stack([x, x]), np.asarray])
def test_a_history_is_not_lost_in_silence(function):
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
        function(leaf())
