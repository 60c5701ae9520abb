"""Which operations a model runs: its `forward` is called with tensors that have shapes but no values.

Layers that have an ONNX operator of their own are not looked into.  All work is done on shallow copies of the
modules, in evaluation mode: the model itself is not touched.
"""

from __future__ import annotations

import copy
import os
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, NoReturn

import numpy as np

from ..arrays.dtypes import DType
from ..autograd import record
from ..autograd.grad_mode import no_grad
from ..nn import Module
from ..ops.op import Op
from ..tensors.tensor import Tensor
from .errors import OnnxExporterError


def refuse(*args: Any, **options: Any) -> NoReturn:
    """Raise the error that says what a tensor without values cannot do."""
    raise OnnxExporterError(
        "the values of a tensor that depends on the input are read, or written in place, which an exported model "
        "cannot do; layers have to be modules such as nn.Linear, not functions"
    )


class _Flags:
    """Those of an array of its own that cannot be looked into."""

    c_contiguous = True

    def __getattr__(self, name: str) -> NoReturn:
        refuse()


class Symbol:
    """Shape and dtype of a value of the graph.  Whoever asks for the elements gets an OnnxExporterError."""

    flags = _Flags()

    def __init__(self, number: int, shape: tuple[int, ...], dtype: DType) -> None:
        self.number, self.shape, self.dtype = number, shape, dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    __array__ = __array_ufunc__ = __getitem__ = __setitem__ = __iter__ = __bool__ = __contains__ = refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __radd__ = __rsub__ = __rmul__ = __rtruediv__ = refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __iadd__ = __isub__ = __imul__ = refuse
    __hash__ = None  # type: ignore[assignment]  # values are compared by nobody

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # protocols that are not there: NumPy and copy ask for many
            raise AttributeError(name)
        refuse()

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.may_share_memory:  # asked of a view
            return True
        if function is np.shape:
            return self.shape
        return refuse()


_one_at_a_time = threading.Lock()


@dataclass
class Call:
    """One operation or layer: inputs are Symbols, arrays, numbers or None."""

    name: str
    inputs: list[Any]
    settings: dict[str, Any]
    outputs: list[Symbol]
    where: str  # the module that it is part of


#: a layer and the arguments of its call -> its inputs, checked, the shapes of its outputs, and what it returns of these
Shapes = Callable[..., tuple[list[Any], list[tuple[int, ...]], Callable[[list[Any]], Any]]]


class Trace:
    """The calls that a model makes, in order, and the symbols that it returns."""

    def __init__(self, layers: Mapping[type[Module], Shapes]) -> None:
        self.layers = layers
        self.calls: list[Call] = []
        self.inputs: list[Symbol] = []
        self.outputs: list[Symbol] = []
        self._count = 0
        self._where = ["model"]

    def run(self, model: Module, args: Sequence[Any], keywords: Sequence[str], lengths: Mapping[str, int]) -> Trace:
        """Trace `model(*args)`, the last of them by these keywords.

        Arrays among `args` stand for inputs; `lengths`: of their dynamic axes.
        """
        given = []
        for arg in args:
            if isinstance(arg, np.ndarray):
                self.inputs.append(self._symbol(arg.shape, arg.dtype))
                arg = _tensor(self.inputs[-1])
            given.append(arg)
        with _one_at_a_time, no_grad():
            record.tracer = self._operation
            try:
                positional = given[: len(given) - len(keywords)]
                named = dict(zip(keywords, given[len(positional) :], strict=True))
                result = self._copy(model, "", {})(*positional, **named)
            except Exception as error:
                used = "; traced with " + ", ".join(f"{axis} = {n}" for axis, n in lengths.items()) if lengths else ""
                why = "" if isinstance(error, OnnxExporterError) else "calling it for the export failed: "
                raise OnnxExporterError(f"{self._where[-1]}: {why}{error}{_line_of(error)}{used}") from error
            finally:
                record.tracer = None
        self._collect(result)
        return self

    def _symbol(self, shape: tuple[int, ...], dtype: Any) -> Symbol:
        self._count += 1
        return Symbol(self._count, tuple(shape), np.dtype(dtype))

    def _collect(self, result: Any) -> None:
        if isinstance(result, (tuple, list)):
            for part in result:
                self._collect(part)
        elif isinstance(result, Tensor) and isinstance(result._array, Symbol):
            self.outputs.append(result._array)
        elif result is not None:
            what = "a tensor that does not depend on the input" if isinstance(result, Tensor) else repr(result)
            raise OnnxExporterError(f"the model returns {what}: expected tensors, or tuples of them, computed from it")

    # -----------------------------------------------------------------------------------------------------------------
    # what is called

    def _operation(self, op: Op, inputs: Sequence[Any], settings: dict[str, Any]) -> Tensor | None:
        arrays = [record.as_array(value) for value in inputs]
        if not any(isinstance(a, Symbol) for a in arrays):
            return None
        zeros: list[Any] = [np.zeros(a.shape, a.dtype) if isinstance(a, Symbol) else a for a in arrays]
        with np.errstate(all="ignore"):
            if op.promote:
                zeros[op.masks :] = record.promoted(zeros[op.masks :])
            result = np.asarray(op.function(*zeros, **settings)[0])
        return self._call(op.name, list(inputs), settings, [result.shape], result.dtype)[0]

    def _layer(self, kind: type[Module], module: Module, twin: Module, *args: Any, **options: Any) -> Any:
        inputs, shapes, returned = self.layers[kind](module, *args, **options)
        if not any(isinstance(t, Tensor) and isinstance(t._array, Symbol) for t in inputs):
            return type(module).forward(twin, *args, **options)
        dtype = next(iter(module.parameters())).dtype
        return returned(self._call(kind.__name__, inputs, {"module": module}, shapes, dtype))

    def _call(self, name: str, inputs: list[Any], settings: Any, shapes: Any, dtype: Any) -> list[Tensor]:
        arrays = [None if value is None else record.as_array(value) for value in inputs]
        outputs = [self._symbol(shape, dtype) for shape in shapes]
        self.calls.append(Call(name, arrays, settings, outputs, self._where[-1]))
        return [_tensor(symbol) for symbol in outputs]

    # -----------------------------------------------------------------------------------------------------------------
    # copies of modules that tell what they run

    def _copy(self, module: Module, path: str, memo: dict[int, Module]) -> Module:
        if id(module) not in memo:
            twin = memo[id(module)] = copy.copy(module)
            cls = type(module)
            kind = next((c for c in self.layers if isinstance(module, c) and cls.forward is c.forward), None)
            run = partial(self._layer, kind, module, twin) if kind else partial(cls.forward, twin)
            label = f"{path} ({cls.__name__})" if path else cls.__name__
            children = {
                name: child if child is None else self._copy(child, f"{path}.{name}" if path else name, memo)
                for name, child in module._modules.items()
            }
            twin.__dict__.update(training=False, forward=partial(self._inside, label, run), _modules=children)
        return memo[id(module)]

    def _inside(self, label: str, run: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self._where.append(label)
        result = run(*args, **options)
        self._where.pop()  # not after an error: it is to name the innermost module
        return result


def _line_of(error: BaseException) -> str:
    """The line of the model, outside of this package, at which `error` came up."""
    package = os.path.dirname(os.path.dirname(__file__)) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not os.path.abspath(frame.filename).startswith(package):
            return f" ({os.path.basename(frame.filename)}, line {frame.lineno}: {frame.line})"
    return ""


def _tensor(symbol: Symbol) -> Tensor:
    array: Any = symbol
    return Tensor._wrap(array)
