"""A plugin for pytest: writes down what simulated device arrays are asked for, to the file NUMBARNN_TEST_CALLS names.

One line each: where it was asked ("numpy", "ufunc" or "method"), its name, how many arguments, the names of others.
"""

from __future__ import annotations

import json
import os

from numbarnn.kernels.cuda import simulated

calls = set()


def _function(array, function, types, args, kwargs):
    calls.add(("numpy", function.__name__, len(args), *sorted(kwargs)))
    return _real_function(array, function, types, args, kwargs)


def _ufunc(array, ufunc, method, *inputs, **kwargs):
    calls.add(("ufunc", ufunc.__name__, len(inputs), *sorted(kwargs)))
    return _real_ufunc(array, ufunc, method, *inputs, **kwargs)


def _attribute(array, name):
    value = _real_attribute(array, name)
    if name not in simulated._METHODS:
        return value

    def method(*args, **kwargs):
        calls.add(("method", name, len(args), *sorted(kwargs)))
        return value(*args, **kwargs)

    return method


_real_function = simulated.ndarray.__array_function__
_real_ufunc = simulated.ndarray.__array_ufunc__
_real_attribute = simulated.ndarray.__getattr__
simulated.ndarray.__array_function__ = _function
simulated.ndarray.__array_ufunc__ = _ufunc
simulated.ndarray.__getattr__ = _attribute


def pytest_sessionfinish(session, exitstatus):
    with open(os.environ["NUMBARNN_TEST_CALLS"], "w") as file:
        file.writelines(json.dumps(call) + "\n" for call in sorted(calls, key=repr))
