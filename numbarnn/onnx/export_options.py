"""The arguments of torch.onnx.export that ask how to export: taken where they ask for what is done anyway."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from ..nn import Module


class TrainingMode(IntEnum):
    """In which mode a model is exported, as in torch; a file computes as in evaluation mode."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(IntEnum):
    """Which operators a file may have, as in torch; here those of ONNX."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3


#: name -> what it has to be, and why
_ONLY: dict[str, tuple[Any, str]] = {
    "export_params": (True, "the weights are part of the file"),
    "custom_translation_table": (None, "which operators are written cannot be changed"),
    "report": (False, "there are no reports of an export"),
    "verify": (False, "a file is checked, but not run"),
    "profile": (False, "there are no reports of an export"),
    "dump_exported_program": (False, "there is no program but the file"),
    "operator_export_type": (OperatorExportTypes.ONNX, "all operators are those of ONNX"),
    "custom_opsets": (None, "all operators are those of ONNX"),
    "export_modules_as_functions": (False, "modules are written as their operators"),
}
#: these make no difference to a file: nothing is printed, weights lie inside, no operator could be left out
_EITHER = (
    "verbose",
    "dynamo",
    "external_data",
    "optimize",
    "artifacts_dir",
    "do_constant_folding",
    "autograd_inlining",
)


def check_options(model: Module, options: dict[str, Any]) -> None:
    """TypeError for a name that torch.onnx.export does not know, ValueError for what would give another file."""
    for name, value in options.items():
        wanted, why = _ONLY.get(name, (None, ""))
        if name == "training":
            mode = TrainingMode(value or 0)
            if mode == TrainingMode.TRAINING or (mode == TrainingMode.PRESERVE and model.training):
                raise ValueError(f"training: expected TrainingMode.EVAL, got {mode!r}: a file computes as after eval()")
        elif name in _ONLY:
            if value is not None and value != wanted and (value or wanted is not None):
                raise ValueError(f"{name}: expected {wanted}, got {value!r}: {why}")
        elif name not in _EITHER:
            raise TypeError(f"export() got an unexpected keyword argument {name!r}")
