"""Rows of the net: functions, modules, losses, initial values and utilities of `nn`."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
from recipes import ABSENT, FLAGS, NOT_TENSORS, TENSORS, TYPES, DType, Make, T, vary
from rows import Row, call, first, named, program, row, seeded
from table_reductions import DIM, ONE

F = "nn.functional."
REDUCTION = [ABSENT, "mean", "sum", "none", "x", None, 1]
OLD = {"size_average": named(ABSENT, None, True, False), "reduce": named(ABSENT, None, True, False)}
INPUTS = vary(T((4, 3)), {"shape": (3,)}, {"shape": (0, 3)}, {"shape": (4, 3, 2)}, {"shape": (4, 0)}, {"shape": ()},
     {"dtype": "float64"}, {"dtype": "int64"}, {"layout": "transposed"}, {"layout": "expanded"}, {"values": "special"},
     {"grad": ""}, {"shape": (1, 3)}, {"shape": (1, 1)})  # fmt: skip
UNIT = [
    T((4, 3), values="unit"),
    *INPUTS,
    T((4, 3), values=(0.0, 1.0, 0.5) * 4),
    T((4, 3), "float64", values=(0.0, 1.0, 0.5) * 4),
    T((4, 3), values=(0.0, 1.5, 0.5) * 4),
]
CLASSES = [
    T((4,), "int64", values=(0, 2, 1, 1)), T((4,), "int64", values=(0, 2, -100, 1)), T((4,), "int64", values=(-100,
         ) * 4), T((4,), "int64", values=(0, 3, 1, 1)), T((4,), "int64", values=(0, -1, 1, 1)),
    T((), "int64", values=(1,)), T((0,), "int64"), T((4, 2), "int64", values=(0, 1, 2, 0, 1, 1, 0, 2)), T((4,), "int32",
         values=(0, 2, 1, 1)), T((4,), "uint8", values=(0, 2, 1, 1)), T((4,), "bool"),
    T((4,), values=(0, 2, 1, 1)), T((4, 3), values="unit"), T((4, 3), "float64", values="unit"), T((3,), values="unit"),
         T((3,), "int64", values=(0, 1, 2)), T((4, 1), "int64", values=(0, 2, 1, 1)), T((4,), "int64", values=(0, 2, 1,
         1), layout="strided"), 1, None,
]  # fmt: skip
WEIGHTS = [
    ABSENT,
    None,
    T((3,), values="positive", grad=""),
    T((3,), "float64", values="positive", grad=""),
    T((2,), values="positive", grad=""),
    T((3,), values=(0, 0, 0), grad=""),
    T((3,), values="positive"),
    T((4, 3), values="positive", grad=""),
    T((1,), values="positive", grad=""),
    2.0,
]
TARGETS = [T((4, 3), values="unit", grad=""), *INPUTS[1:], T((4, 3), values="unit"), 1.0, None]
IGNORE = named(ABSENT, -100, 1, 0, -1, 7)
INDEX = [
    T((4,), "int64", values=(0, 2, 1, 1)),
    T((2, 2), "int64", values=(0, 2, 1, 1)),
    T((), "int64", values=(1,)),
    T((0,), "int64"),
    T((4,), "int32", values=(0, 2, 1, 1)),
    T((4,), "uint8", values=(0, 2, 1, 1)),
    T((4,), values=(0, 2, 1, 1)),
    T((4,), "bool"),
    T((4,), "int64", values=(0, 5, 1, 1)),
    T((4,), "int64", values=(0, -1, 1, 1)),
    [0, 1],
    1,
    None,
]
TABLE = [
    T((5, 3)),
    T((5, 3), "float64"),
    T((5, 3), grad=""),
    T((3, 2), layout="transposed"),
    T((5, 0)),
    T((5,)),
    T((2, 3, 4)),
    None,
]
EMBEDDING = {
    "padding_idx": [ABSENT, None, 1, -1, 0, 9, -9],
    "max_norm": [ABSENT, None, 1.0],
    "norm_type": [ABSENT, 2.0, 1.0],
    "scale_grad_by_freq": [ABSENT, False],
    "sparse": [ABSENT, False],
}


ROWS: list[Row] = [
    *row(F + "relu", input=ONE, inplace=FLAGS),
    *row(F + "sigmoid", F + "tanh", input=ONE),
    *row(F + "softmax", F + "log_softmax", input=ONE, dim=DIM[:-1], _stacklevel=named(ABSENT, 3), dtype=named(*TYPES)),
    *row(F + "dropout", run=seeded, input=[T((40,)), T((6, 4), layout="transposed"), T((6, 4), layout="expanded"),
         *TENSORS], p=[ABSENT, 0.5, 0.1, 0.0, 1.0, 1.5, -0.1, float("nan"), "x", 1], training=[ABSENT, True, False],
         inplace=FLAGS),
    *row(F + "linear", input=INPUTS, weight=[T((2, 3)), T((1, 3)), T((0, 3)), T((3,)), T((2, 4)), T((2, 3), "float64"),
         T((2, 3), "int64"), T((2, 3), layout="transposed"), T((2, 3), grad=""), T(()), T((1, 2, 3)), None],
         bias=[ABSENT, None, T((2,)), T((1,)), T((3,)), T(()), T((2,), "float64"), T((1, 2)), 2.0]),
    *row(F + "embedding", input=INDEX, weight=TABLE, **EMBEDDING),
    *row(F + "one_hot", input=[*INDEX[:10], T((2,), "int64", values=(0, 9))], num_classes=[ABSENT, -1, 3, 5, 0, 2, -2,
         "x"]),
    *row(F + "cross_entropy", input=INPUTS, target=CLASSES, weight=WEIGHTS, ignore_index=IGNORE,
         reduction=named(*REDUCTION), label_smoothing=named(ABSENT, 0.0, 0.1, 1.0, 1.5, -0.1), **OLD),
    *row(F + "nll_loss", input=INPUTS, target=CLASSES, weight=WEIGHTS, ignore_index=IGNORE, reduction=named(*REDUCTION),
         **OLD),
    *row(F + "mse_loss", F + "l1_loss", input=INPUTS, target=TARGETS, reduction=named(*REDUCTION),
         weight=named(*WEIGHTS), **OLD),
    *row(F + "binary_cross_entropy", input=UNIT, target=UNIT, weight=WEIGHTS, reduction=named(*REDUCTION), **OLD),
    *row(F + "binary_cross_entropy_with_logits", input=INPUTS, target=UNIT, weight=WEIGHTS, reduction=named(*REDUCTION),
         pos_weight=named(*WEIGHTS), **OLD),
]  # fmt: skip


def module(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """The module by the arguments that are its own: its text, its state, what it gives in both modes, and copies."""
    given = [keywords.pop(name) for name in ("call_input", "call_target", "call_hx") if name in keywords]
    made = call(t, path, args, keywords)
    out = made(*given)
    seen = [repr(made), dict(made.state_dict()), [(n, p.requires_grad) for n, p in made.named_parameters()], out]
    made.eval()
    seen += [
        made(*given),
        made.training,
        pickle.loads(pickle.dumps(made))(*given),
        copy.deepcopy(made)(*given),
        t.rand(2),
    ]
    for out in seen[3:5]:
        for tensor in out if isinstance(out, tuple) else [out]:
            if tensor.requires_grad:
                tensor.sum().backward(retain_graph=True)
    return [*seen, [p.grad for p in made.parameters()]]


def modules(
    *paths: str, inputs: Any, targets: Any = None, hx: Any = None, cost: int = 2, **parameters: Any
) -> list[Row]:
    forward = {"call_input": named(*inputs)}
    if targets is not None:
        forward["call_target"] = named(*targets)
    if hx is not None:
        forward["call_hx"] = named(*hx)
    return row(*paths, run=module, cost=cost, **parameters, **forward)


FACTORY = {"device": named(ABSENT, None, "cpu", "nowhere"), "dtype": named(*TYPES)}
COUNTS = [3, 1, 0, -1, 2.0, "x", None, True]
STEPS = [T((4, 2, 3)), T((4, 3)), T((1, 2, 3)), T((0, 2, 3)), T((4, 0, 3)), T((4, 2, 5)), T((3,)), T((4, 2, 3),
     "float64"), T((4, 2, 3), "int64"), T((4, 2, 3), layout="transposed"), T((4, 2, 3), layout="strided"), T((4, 2, 3),
     layout="expanded"), T((4, 2, 3), grad=""), T((2, 2, 2, 3)), None]  # fmt: skip

ROWS += [
    *modules("nn.Identity", inputs=INPUTS),
    *modules("nn.Tanh", "nn.Sigmoid", inputs=INPUTS),
    *modules("nn.ReLU", inputs=INPUTS, inplace=[ABSENT, False, 1]),
    *modules("nn.Softmax", "nn.LogSoftmax", inputs=INPUTS, dim=[1, ABSENT, None, 0, -1, 5, "x"]),
    *modules("nn.Dropout", inputs=[T((40,)), T((6, 4), layout="transposed"), *INPUTS], p=[ABSENT, 0.5, 0.1, 0.0, 1.0,
         1.5, -0.1, "x", None, 1], inplace=[ABSENT, False]),
    *modules("nn.Linear", inputs=INPUTS, in_features=COUNTS, out_features=[2, *COUNTS], bias=[ABSENT, True, False, 1,
         None], **FACTORY),
    *modules("nn.Embedding", inputs=INDEX[:10], num_embeddings=[5, *COUNTS], embedding_dim=COUNTS, **EMBEDDING,
         _weight=named(ABSENT, None, T((5, 3), grad=""), T((4, 3), grad="")), _freeze=named(ABSENT, False, True),
         **FACTORY),
    *modules("nn.RNN", inputs=STEPS, hx=[T((1, 2, 4)), None, T((1, 4)), T((2, 2, 4)), T((1, 2, 5)), T((1, 2, 4),
         "float64"), T((1, 2, 4), layout="strided"), T((1, 2, 4), layout="expanded"), T((4, 2, 4)), T((1, 4, 4))],
         cost=4, input_size=COUNTS, hidden_size=[4, *COUNTS], num_layers=[ABSENT, 1, 2, 0, "x"],
         nonlinearity=named(ABSENT, "tanh", "relu", "gelu", None), bias=named(ABSENT, True, False, 1),
         batch_first=named(ABSENT, False, True, 1), dropout=named(ABSENT, 0.0, 0.5, 1.0, 2.0, "x"),
         bidirectional=named(ABSENT, False, True), **FACTORY),
    *modules("nn.RNN", inputs=STEPS[:-1], cost=4, input_size=[3], hidden_size=[4, 1, 17], num_layers=[1, 2, 3],
         nonlinearity=["tanh", "relu"], bias=[True, False], batch_first=[False, True], dropout=[0.0, 0.5],
         bidirectional=[False, True], device=named(None), dtype=named(ABSENT, DType("float64"))),
    *modules("nn.RNNCell", inputs=[T((2, 3)), T((3,)), T((0, 3)), T((2, 5)), T((1, 2, 3)), T((2, 3), "float64"), T((2,
         3), "int64"), T((2, 3), layout="transposed"), T(()), None], hx=[T((2, 4)), None, T((4,)), T((3, 4)), T((2, 5)),
         T((1, 2, 4)), T((2, 4), "float64"), T((2, 4), layout="expanded")], input_size=COUNTS, hidden_size=[4, *COUNTS],
         bias=[ABSENT, True, False, 1], nonlinearity=[ABSENT, "tanh", "relu", "gelu"], **FACTORY),
    *modules("nn.CrossEntropyLoss", inputs=INPUTS, targets=CLASSES, weight=WEIGHTS, ignore_index=IGNORE,
         reduction=named(*REDUCTION), label_smoothing=named(ABSENT, 0.0, 0.1, 1.5), **OLD),
    *modules("nn.NLLLoss", inputs=INPUTS, targets=CLASSES, weight=WEIGHTS, ignore_index=IGNORE,
         reduction=named(*REDUCTION), **OLD),
    *modules("nn.MSELoss", "nn.L1Loss", inputs=INPUTS, targets=TARGETS, reduction=named(*REDUCTION), **OLD),
    *modules("nn.BCELoss", inputs=UNIT, targets=UNIT, weight=WEIGHTS, reduction=named(*REDUCTION), **OLD),
    *modules("nn.BCEWithLogitsLoss", inputs=INPUTS, targets=UNIT, weight=WEIGHTS, reduction=named(*REDUCTION),
         pos_weight=named(*WEIGHTS), **OLD),
]  # fmt: skip


def _parameter(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    made = t.nn.Parameter(*args, **keywords)
    return made, repr(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), isinstance(made, t.Tensor)


ROWS += row("nn.Parameter", run=_parameter, data=[ABSENT, *vary(T(grad=""), dtype=("float64", "int64", "bool"),
     shape=((), (0,)), grad=("leaf", "history"), layout=("transposed",)), None, 3, 0.5, [1.0]], requires_grad=[ABSENT,
     True, False, 1])  # fmt: skip

FILLED = [
    T((4, 3), grad=""),
    T((4, 3), grad="leaf"),
    T((4, 3), "float64", grad=""),
    T((3,), grad=""),
    T((), grad=""),
    T((0, 3), grad=""),
    T((4, 0), grad=""),
    T((2, 3, 4), grad=""),
    T((4, 3), layout="transposed", grad=""),
    T((4, 3), layout="strided", grad=""),
    T((4, 3), layout="expanded", grad=""),
    T((4, 3), "int64"),
    T((20, 30), grad=""),
    T((4, 3), grad="history"),
]
GAIN = [ABSENT, 1.0, 0.1, 5 / 3, 0, -1.0, "x"]
NONLINEARITY = [ABSENT, "relu", "tanh", "leaky_relu", "linear", "sigmoid", "conv1d", "selu", "x"]
I = "nn.init."
ROWS += [
    *row(I + "constant_", run=seeded, tensor=FILLED, val=[0.3, 0.1, 1, 1e300, float("nan"), T(()), "x", True]),
    *row(I + "zeros_", I + "ones_", run=seeded, tensor=FILLED),
    *row(I + "eye_", run=seeded, tensor=FILLED),
    *row(I + "uniform_", run=seeded, tensor=FILLED, a=[ABSENT, -1.0, 0.5, 3, "x"], b=[ABSENT, 2.0, 0.1, float("inf")]),
    *row(I + "normal_", run=seeded, tensor=FILLED, mean=[ABSENT, -1.0, 0.5, "x"], std=[ABSENT, 2.0, 0.1, -1.0, 0]),
    *row(I + "xavier_normal_", I + "xavier_uniform_", run=seeded, tensor=FILLED, gain=GAIN),
    *row(I + "kaiming_normal_", I + "kaiming_uniform_", run=seeded, tensor=FILLED, a=[ABSENT, 0, 0.1, 5**0.5, "x"],
         mode=[ABSENT, "fan_in", "fan_out", "FAN_OUT", "x"], nonlinearity=NONLINEARITY),
    *row(I + "orthogonal_", run=seeded, tensor=FILLED, gain=GAIN, close=(1e-4, 1e-10)),
    *row(I + "calculate_gain", nonlinearity=NONLINEARITY[1:], param=[ABSENT, None, 0.1, 2, True, "x"]),
]  # fmt: skip

# ---- packing

U = "nn.utils.rnn."
PADDED = [
    T((4, 3, 2)),
    T((4, 3)),
    T((4, 3, 2), "float64"),
    T((4, 3, 2), "int64"),
    T((4, 1, 2)),
    T((1, 3, 2)),
    T((4, 0, 2)),
    T((0, 3, 2)),
    T((4, 3, 2), layout="transposed"),
    T((4, 3, 2), layout="expanded"),
    T((3,)),
    T((4, 3, 2, 2)),
    None,
]
LENGTHS = [
    [4, 2, 1],
    [1, 4, 2],
    (3, 3, 3),
    T((3,), "int64", values=(4, 2, 1)),
    T((3,), "int32", values=(4, 2, 1)),
    T((3,), values=(4, 2, 1)),
    [4, 2, 0],
    [4, 2],
    [4, 2, -1],
    [9, 2, 1],
    [3, 2, 1],
    [],
    [4.0, 2, 1],
    3,
    None,
    np.array([4, 2, 1]),
    [1],
    [4],
    [1, 1, 1],
    [4, 4, 2, 1],
    [2, 4, 1, 3],
    "x",
]
SEQUENCES = [
    [T((4, 2)), T((2, 2)), T((1, 2))],
    [T((2, 2)), T((4, 2))],
    [T((3,)), T((3,))],
    [T((3,)), T((2,)), T((1,))],
    [T((4, 2))],
    [T((2, 2), "int64"), T((1, 2), "int64")],
    [T((2, 2), "float64"), T((1, 2))],
    [T((2, 2)), T((2, 3))],
    [T((0, 2)), T((2, 2))],
    [T((2, 2)), T((0, 2))],
    [T(())],
    [],
    (T((3, 2), layout="transposed"), T((1, 2))),
    T((3, 2)),
    [2.0],
    None,
]


def _whole(pack: Any) -> Any:
    return [pack.data, pack.batch_sizes, pack.sorted_indices, pack.unsorted_indices]


def _packed(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    return _whole(call(t, path, args, keywords))


def _repadded(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    pack = t.nn.utils.rnn.pack_sequence(first(args, keywords), enforce_sorted=False)
    if args:
        return call(t, path, [pack, *args[1:]], keywords)
    return call(t, path, [], {**keywords, next(iter(keywords)): pack})


def _pack_method(t: Any, path: str, sequences: Any, **keywords: Any) -> Any:
    method = path.rpartition(".")[2]
    pack = t.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=method in ("index", "count"))
    if method == "to":
        return _whole(pack.to(*keywords.values()))
    if method in ("index", "count"):
        return getattr(pack, method)(None)
    found = getattr(pack, method)
    found = found() if callable(found) and not isinstance(found, t.Tensor) else found
    return _whole(found) if isinstance(found, t.nn.utils.rnn.PackedSequence) else found


def _made(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    pack = t.nn.utils.rnn.PackedSequence(*args, **keywords)
    a, b, c, d = pack
    return _whole(pack), [a, b, c, d], pack == pack, len(pack)


ROWS += [
    *row(U + "pack_padded_sequence", run=_packed, input=PADDED, lengths=LENGTHS, batch_first=FLAGS,
         enforce_sorted=FLAGS),
    *row(U + "pack_sequence", run=_packed, sequences=SEQUENCES, enforce_sorted=FLAGS),
    *row(U + "pad_packed_sequence", run=_repadded, sequence=SEQUENCES[:10], batch_first=FLAGS, padding_value=[ABSENT,
         0.0, -1.5, 7, float("nan")], total_length=[ABSENT, None, 4, 9, 1, 0]),
    *row(U + "unpack_sequence", run=_repadded, packed_sequences=SEQUENCES[:10]),
    *row(U + "pad_sequence", sequences=SEQUENCES, batch_first=FLAGS, padding_value=[ABSENT, 0.0, -1.5, 7, "x"],
         padding_side=[ABSENT, "right", "left", "x"]),
    *row(U + "unpad_sequence", padded_sequences=[T((4, 3, 2), grad=""), *PADDED], lengths=[T((3,), "int64", values=(4,
         2, 1)), T((3,), "int64", values=(4, 0, 1)), T((4,), "int64", values=(3, 2, 1, 1)), T((2,), "int64", values=(4,
         2)), [4, 2, 1]], batch_first=FLAGS),
    *row(U + "invert_permutation", permutation=[T((3,), "int64", values=(2, 0, 1)), None, T((0,), "int64"), T((1,),
         "int64", values=(0,))]),
    *row(U + "PackedSequence", run=_made, data=[T((6, 2)), T((6,), "int64"), None], batch_sizes=[T((3,), "int64",
         values=(3, 2, 1)), T((3,), "int32", values=(3, 2, 1)), ABSENT, [3, 2, 1]], sorted_indices=[ABSENT, None, T((3,
         ), "int64", values=(2, 0, 1))], unsorted_indices=[ABSENT, None, T((3,), "int64", values=(1, 2, 0))]),
    *program(*(U + "PackedSequence." + name for name in ("batch_sizes", "byte", "char", "int", "is_pinned", "short",
         "cpu", "data", "double", "float", "is_cuda",
         "long", "sorted_indices", "unsorted_indices", "index", "count")), run=_pack_method, sequences=SEQUENCES[:7]),
    *program(U + "PackedSequence.to", run=_pack_method, sequences=SEQUENCES[:4], dtype=[DType("float64"),
         DType("float32"), DType("int64"), "cpu", ABSENT]),
]  # fmt: skip

# ---- utilities over parameters


def _with_gradients(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    parameters = first(args, keywords)
    several = list(parameters) if isinstance(parameters, (list, tuple)) else [parameters]
    for number, parameter in enumerate(several[:3]):
        if getattr(parameter, "requires_grad", False):
            parameter.grad = (
                t.tensor(
                    np.cos(number + np.arange(parameter.numel())).reshape(tuple(parameter.shape)), dtype=parameter.dtype
                )
                * 3
            )
    return call(t, path, args, keywords), [p.grad for p in several if isinstance(p, t.Tensor)]


SETS = [
    [T((2, 3)), T((4,))],
    T((2, 3)),
    [T((2, 3)), T((4,)), T((2,)), T((5,))],
    [T((2, 3), "float64")],
    [T((2, 3), "float64"), T((2,))],
    [T((2, 3), grad="")],
    [],
    [T((0, 3)), T(())],
    (T((2, 3)),),
    [T((2, 3), layout="transposed")],
    None,
    "x",
]
ROWS += [
    *row("nn.utils.clip_grad_norm_", run=_with_gradients, parameters=SETS, max_norm=[1.0, 0.1, 100.0, 0, -1.0,
         float("inf"), T((), grad="", values=(1.0,)), "x", None], norm_type=[ABSENT, 2.0, 1, float("inf"), 0.5,
         float("-inf"), 0, "x", "inf"], error_if_nonfinite=[ABSENT, False, True], foreach=[ABSENT, None, True, False]),
    *row("nn.utils.clip_grad_value_", run=_with_gradients, parameters=SETS, clip_value=[1.0, 0.1, 100.0, 0, -1.0,
         float("inf"), "x", None], foreach=[ABSENT, None, True, False]),
    *row("nn.utils.parameters_to_vector", parameters=SETS),
    *row("nn.utils.vector_to_parameters", vec=[T((10,), grad=""), T((6,), grad=""), T((3,), grad=""), T((20,), grad=""),
         T((10,), "float64", grad=""), T((10,)), None], parameters=SETS),
]  # fmt: skip
_ = Make, NOT_TENSORS
