"""numbarnn: torch.nn.RNN without torch."""

from . import cuda
from ._version import __version__
from .creation import as_tensor, empty, from_numpy, ones, tensor, zeros
from .dtypes import bool_ as bool
from .dtypes import device, float32, float64, int64
from .random import manual_seed
from .size import Size
from .grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Tensor

__all__ = [
    "Size", "Tensor", "__version__", "as_tensor", "bool", "cuda", "device", "empty", "enable_grad", "float32",
    "float64", "from_numpy", "inference_mode", "int64", "is_grad_enabled", "manual_seed", "no_grad", "ones",
    "set_grad_enabled", "tensor", "zeros",
]  # fmt: skip
