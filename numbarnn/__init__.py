"""torch.nn.RNN without torch: `import numbarnn as torch; import numbarnn.nn as nn`, on NumPy and Numba alone."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from . import cuda, nn
from ._version import __version__
from .arrays.dtypes import bool_ as bool
from .arrays.dtypes import device, float32, float64, get_default_dtype, int32, int64
from .arrays.dtypes import float32 as float
from .arrays.dtypes import float64 as double
from .arrays.dtypes import int32 as int
from .arrays.dtypes import int64 as long
from .arrays.size import Size
from .autograd.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .config import get_num_threads, set_num_threads, show_config
from .random import Generator, manual_seed
from .tensors.creation import (
    as_tensor,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from .tensors.functions import (
    bmm,
    cat,
    dot,
    flip,
    is_tensor,
    matmul,
    mm,
    outer,
    permute,
    pow,
    reshape,
    split,
    stack,
    where,
)
from .tensors.functions import function_of as _function
from .tensors.legacy import BoolTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor
from .tensors.ranges import arange, linspace
from .tensors.sampling import bernoulli, multinomial, normal, rand, rand_like, randint, randn, randn_like, randperm
from .tensors.tensor import Tensor

if TYPE_CHECKING:
    from . import checkpoint, jit, onnx, optim
    from .checkpoint import load, save

__all__ = [
    "BoolTensor", "DoubleTensor", "FloatTensor", "Generator", "IntTensor", "LongTensor", "Size", "Tensor",
    "__version__", "abs", "add", "all", "allclose", "amax", "amin", "any", "arange", "argmax", "argmin", "argsort",
    "as_tensor", "bernoulli", "bmm", "bool", "cat", "checkpoint", "chunk", "clamp", "clone", "cos", "cuda",
    "cumsum", "device", "diag", "div", "dot", "double", "empty", "empty_like", "enable_grad", "eq", "equal", "exp",
    "eye", "flatten", "flip", "float", "float32", "float64", "floor", "from_dlpack", "from_numpy", "full",
    "full_like", "gather", "ge", "get_default_dtype", "get_num_threads", "gt", "index_select", "inference_mode",
    "int", "int32", "int64", "is_floating_point", "is_grad_enabled", "is_tensor", "isfinite", "isinf", "isnan",
    "jit", "le", "linspace", "load", "log", "log_softmax", "long", "lt", "manual_seed", "masked_fill",
    "masked_select", "matmul", "max", "maximum", "mean", "min", "minimum", "mm", "mul", "multinomial", "ne", "neg",
    "nn", "no_grad", "nonzero", "norm", "normal", "numel", "ones", "ones_like", "onnx", "optim", "outer", "permute",
    "pow", "prod", "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "relu", "reshape", "roll",
    "round", "save", "scatter", "set_grad_enabled", "set_num_threads", "show_config", "sigmoid", "sign", "sin",
    "softmax", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "t", "tanh", "tensor",
    "topk", "transpose", "unbind", "unsqueeze", "var", "where", "zeros", "zeros_like",
]  # fmt: skip

# methods of tensors that are functions as well
add = _function(Tensor.add, numbers=True)
sub = _function(Tensor.sub, numbers=True)
mul = _function(Tensor.mul, numbers=True)
div = _function(Tensor.div, numbers=True)
neg = _function(Tensor.neg)
abs = _function(Tensor.abs)
sign = _function(Tensor.sign)
floor = _function(Tensor.floor)
round = _function(Tensor.round)
exp = _function(Tensor.exp)
log = _function(Tensor.log)
sqrt = _function(Tensor.sqrt)
square = _function(Tensor.square)
sin = _function(Tensor.sin)
cos = _function(Tensor.cos)
tanh = _function(Tensor.tanh)
relu = _function(Tensor.relu)
sigmoid = _function(Tensor.sigmoid)
clamp = _function(Tensor.clamp)
maximum = _function(Tensor.maximum)
minimum = _function(Tensor.minimum)
eq = _function(Tensor.eq)
ne = _function(Tensor.ne)
lt = _function(Tensor.lt)
le = _function(Tensor.le)
gt = _function(Tensor.gt)
ge = _function(Tensor.ge)
isnan = _function(Tensor.isnan)
isinf = _function(Tensor.isinf)
isfinite = _function(Tensor.isfinite)
equal = _function(Tensor.equal)
allclose = _function(Tensor.allclose)
masked_fill = _function(Tensor.masked_fill)
sum = _function(Tensor.sum)
mean = _function(Tensor.mean)
var = _function(Tensor.var)
std = _function(Tensor.std)
norm = _function(Tensor.norm)
prod = _function(Tensor.prod)
amax = _function(Tensor.amax)
amin = _function(Tensor.amin)
max = _function(Tensor.max)
min = _function(Tensor.min)
argmax = _function(Tensor.argmax)
argmin = _function(Tensor.argmin)
all = _function(Tensor.all)
any = _function(Tensor.any)
cumsum = _function(Tensor.cumsum)
softmax = _function(Tensor.softmax)
log_softmax = _function(Tensor.log_softmax)
sort = _function(Tensor.sort)
argsort = _function(Tensor.argsort)
topk = _function(Tensor.topk)
t = _function(Tensor.t)
squeeze = _function(Tensor.squeeze)
unsqueeze = _function(Tensor.unsqueeze)
flatten = _function(Tensor.flatten)
transpose = _function(Tensor.transpose)
roll = _function(Tensor.roll)
diag = _function(Tensor.diag)
chunk = _function(Tensor.chunk)
unbind = _function(Tensor.unbind)
numel = _function(Tensor.numel)
is_floating_point = _function(Tensor.is_floating_point)
clone = _function(Tensor.clone)
gather = _function(Tensor.gather)
scatter = _function(Tensor.scatter)
index_select = _function(Tensor.index_select)
masked_select = _function(Tensor.masked_select)
nonzero = _function(Tensor.nonzero)

#: modules that are imported when first asked for: `import numbarnn` is part of every worker's start
_LATER = ("checkpoint", "jit", "onnx", "optim")
#: and functions of theirs
_FROM = {"load": "checkpoint", "save": "checkpoint"}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f"{__name__}.{name}")
    if name in _FROM:
        return getattr(_import_module(f"{__name__}.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
