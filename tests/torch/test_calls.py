"""Constructors, methods of Module, optimizers, nn.init and nn.utils beside torch's, call by call.

What a call gives, what it leaves behind, which error and how many warnings: all the same.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbarnn

torch = pytest.importorskip("torch")


def plain(value: Any, lib: Any) -> Any:
    """The value without what differs between the libraries."""
    if hasattr(value, "detach"):
        kind, values = str(value.dtype).removeprefix("torch."), value.detach().numpy().astype(np.float64)
        return kind, tuple(value.shape), type(value).__name__, value.requires_grad, str(values.round(5).tolist())
    if isinstance(value, dict):
        return {key: plain(held, lib) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held, lib) for held in value]
    if isinstance(value, (int, float, str, bool, type(None))):
        return str(value)
    return repr(value) if isinstance(value, (lib.nn.Module, lib.optim.Optimizer)) else type(value).__name__


def outcome(lib: Any, call: str, names: dict[str, Any]) -> tuple[Any, int]:
    """What the call gives, or the type of its error; and how many warnings there are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return eval(call, names), len(caught)
        except Exception as error:
            return type(error), len(caught)


def calls(table: str) -> Any:
    return pytest.mark.parametrize("call", [call for line in table.strip().splitlines() for call in line.split(" | ")])


# ---------------------------------------------------------------------------------------------------------------------
# constructors

CONSTRUCTORS = """
nn.Linear(2, 3) | nn.Linear(in_features=2, out_features=3, bias=False, device=None, dtype=None)
nn.Linear(2, 3, False, 'cpu', T.float64) | nn.Linear(0, 3) | nn.Linear(2, 0) | nn.Linear(1, 1) | nn.Linear(-1, 3)
nn.Linear(2, -3) | nn.Linear(2.0, 3) | nn.Linear('2', 3) | nn.Linear(2) | nn.Linear(2, 3, bias=None)
nn.Linear(2, 3, bias=0) | nn.Linear(2, 3, dtype=T.int64) | nn.Linear(None, 3)
nn.Linear(T.tensor(2), 3) | nn.Linear(2, 3, foo=1) | nn.Dropout() | nn.Dropout(0.3, True)
nn.Dropout(p=1, inplace=False) | nn.Dropout(-0.1) | nn.Dropout(1.1) | nn.Dropout(float('nan')) | nn.Dropout('a')
nn.Dropout(None) | nn.Dropout(T.tensor(0.3)) | nn.Dropout(True) | nn.Embedding(3, 4) | nn.Embedding(3, 4, 1)
nn.Embedding(3, 4, -1) | nn.Embedding(3, 4, 3) | nn.Embedding(3, 4, -4)
nn.Embedding(3, 4, padding_idx=None, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True, sparse=False)
nn.Embedding(num_embeddings=3, embedding_dim=4, device='cpu', dtype=T.float64) | nn.Embedding(0, 4)
nn.Embedding(3, 0) | nn.Embedding(0, 4, 0) | nn.Embedding(-1, 4) | nn.Embedding(3, -4) | nn.Embedding(3.0, 4)
nn.Embedding('3', 4) | nn.Embedding(3, 4, 1.0) | nn.Embedding(3, 4, '1') | nn.Embedding(3, 4, _weight=T.ones(3, 4))
nn.Embedding(3, 4, _weight=T.ones(4, 3)) | nn.Embedding(3, 4, _weight=T.ones(3, 4), _freeze=True)
nn.Embedding(3, 4, dtype=T.int64) | nn.Embedding(3, 4, max_norm=1, norm_type=2)
nn.Embedding.from_pretrained(T.ones(3, 4))
nn.Embedding.from_pretrained(embeddings=T.ones(3, 4), freeze=False, padding_idx=0, max_norm=None, norm_type=2.0,\
 scale_grad_by_freq=False, sparse=False)
nn.Embedding.from_pretrained(T.ones(3)) | nn.Embedding.from_pretrained([[1.0]])
nn.Embedding.from_pretrained(T.ones(3, 4, dtype=T.int64)) | nn.Embedding.from_pretrained(T.ones(3, 4), padding_idx=3)
nn.Identity() | nn.Identity(1, a=2) | nn.Tanh() | nn.Tanh(1) | nn.Sigmoid(1) | nn.ReLU() | nn.ReLU(True)
nn.ReLU(inplace=1) | nn.ReLU(2) | nn.Softmax() | nn.Softmax(1) | nn.Softmax(dim='a') | nn.LogSoftmax(dim=-1)
nn.MSELoss() | nn.MSELoss(None, None, 'sum') | nn.MSELoss(reduction='foo') | nn.MSELoss(size_average=False)
nn.MSELoss(True, False) | nn.MSELoss(reduction=None) | nn.L1Loss(reduction='none') | nn.L1Loss(1) | nn.BCELoss()
nn.BCELoss(T.ones(2), reduction='sum') | nn.BCELoss(weight=[1.0]) | nn.BCELoss(weight=1.0)
nn.BCEWithLogitsLoss(T.ones(2), None, None, 'mean', T.ones(2)) | nn.BCEWithLogitsLoss(pos_weight=T.tensor(2.0))
nn.NLLLoss(T.ones(2), None, 3, None, 'sum') | nn.NLLLoss(ignore_index=1)
nn.CrossEntropyLoss(T.ones(2), None, 3, None, 'sum', 0.1) | nn.CrossEntropyLoss(label_smoothing=2)
nn.CrossEntropyLoss(weight=[1.0, 2.0]) | nn.CrossEntropyLoss(weight=T.ones(2, requires_grad=True))
nn.CrossEntropyLoss(reduction='foo') | nn.RNN(2, 3) | nn.RNN(2, 3, 2, 'relu', False, True, 0.5, True)
nn.RNN(input_size=2, hidden_size=3, num_layers=2, nonlinearity='relu', bias=False, batch_first=True, dropout=0.5,\
 bidirectional=True, device='cpu', dtype=T.float64)
nn.RNN(2, 3, mode='RNN_TANH') | nn.RNN(2, 3, bidirectional=1) | nn.RNN(2, 3, bidirectional=None)
nn.RNN(2, 3, bidirectional='a') | nn.RNN(2, hidden_size=3, nonlinearity='relu') | nn.RNN(2)
nn.RNN(2, 3, dtype=T.int64) | nn.RNNCell(2, 3) | nn.RNNCell(2, 3, False, 'relu')
nn.RNNCell(input_size=2, hidden_size=3, bias=True, nonlinearity='relu', device=None, dtype=T.float64)
nn.RNNCell(2, 3, None) | nn.RNNCell(2, 3, 1) | nn.RNNCell(2, 3, 0) | nn.RNNCell(0, 3) | nn.RNNCell(2, 0)
nn.RNNCell(-1, 3) | nn.RNNCell(3, -1) | nn.RNNCell(2.0, 3) | nn.RNNCell('2', 3) | nn.RNNCell(2, 3, nonlinearity='foo')
nn.RNNCell(2, 3, dtype=T.int64) | nn.RNNCell(2) | nn.Sequential() | nn.ModuleList() | nn.Module() | nn.Module(1)
nn.Module(a=1)
"""


@calls(CONSTRUCTORS)
def test_constructors(call: str) -> None:
    def made(lib: Any) -> Any:
        lib.manual_seed(0)
        module, count = outcome(lib, call, {"nn": lib.nn, "T": lib})
        if isinstance(module, type):
            return module, count
        kept = {name: held for name, held in vars(module).items() if not name.startswith("_")}
        named = [*module.named_parameters(), *module.named_buffers()]
        kinds = [(name, plain(tensor, lib)[:2], tensor.requires_grad) for name, tensor in named]
        return plain(module, lib), count, plain(kept, lib), kinds, list(module.state_dict()), lib.rand(1).item()

    assert made(numbarnn) == made(torch)


# ---------------------------------------------------------------------------------------------------------------------
# methods of Module

METHODS = """
m.get_submodule('a') | m.get_submodule('a.b') | m.get_submodule('x') | m.get_submodule('a.0')
m.get_submodule('fc.weight') | m.get_submodule('') | m.get_submodule('a.') | m.get_submodule(5)
m.get_parameter('fc.weight') | m.get_parameter('fc') | m.get_parameter('fc.foo') | m.get_parameter('buf')
m.get_parameter('') | m.get_parameter('none') | m.get_buffer('buf') | m.get_buffer('fc.weight') | m.get_buffer('zz')
m.get_buffer('tmp') | m.set_submodule('fc', L.nn.Tanh()) | m.set_submodule('a.5', L.nn.Tanh())
m.set_submodule('', L.nn.Tanh()) | m.set_submodule('q.r', L.nn.Tanh()) | m.set_submodule('fc.weight', L.nn.Tanh())
m.set_submodule('zz', L.nn.Tanh(), strict=True) | m.set_submodule('fc', 5)
m.register_parameter('p', L.nn.Parameter(L.ones(1))) | m.register_parameter('p', L.ones(1))
m.register_parameter('', None) | m.register_parameter('a.b', None) | m.register_parameter('fc', None)
m.register_parameter('buf', None) | m.register_parameter(5, None) | m.register_parameter('none', None)
m.register_parameter('forward', None) | m.register_parameter(name='p', param=None)
m.register_parameter('attr', None) | m.register_parameter('cls', L.nn.Parameter(L.ones(1)))
m.register_buffer('p', L.ones(1)) | m.register_buffer('p', None) | m.register_buffer('p', 5)
m.register_buffer('a.b', None) | m.register_buffer('fc', None) | m.register_buffer('buf', None)
m.register_buffer(name='p', tensor=None, persistent=False) | m.register_buffer('p', L.nn.Parameter(L.ones(1)))
m.register_buffer(5, None) | m.register_buffer('', None) | m.add_module('p', L.nn.Tanh()) | m.add_module('p', None)
m.add_module('p', 5) | m.add_module('a.b', None) | m.add_module('fc', None) | m.add_module('', None)
m.add_module(5, None) | m.add_module('buf', None) | m.register_module('p', L.nn.Tanh())
m.add_module(name='p', module=None) | m.add_module('attr', L.nn.Tanh()) | setattr(m, 'fc', None) | setattr(m, 'fc', 5)
setattr(m, 'fc', L.nn.Tanh()) | setattr(m, 'fc', L.nn.Parameter(L.ones(1))) | setattr(m, 'buf', L.ones(2))
setattr(m, 'buf', None) | setattr(m, 'buf', 5) | setattr(m, 'buf', L.nn.Parameter(L.ones(1)))
setattr(m, 'buf', L.nn.Tanh()) | setattr(m, 'w', None) | setattr(m, 'w', 5) | setattr(m, 'w', L.ones(3))
setattr(m, 'w', L.nn.Tanh()) | setattr(m, 'attr', L.nn.Tanh()) | setattr(m, 'attr', L.nn.Parameter(L.ones(1)))
setattr(m, 'new', L.ones(1)) | setattr(m, 'cls', L.nn.Parameter(L.ones(1))) | setattr(m, 'cls', L.nn.Tanh())
setattr(m, 'tmp', L.ones(5)) | setattr(m, 'training', 5) | setattr(m, 'none', L.nn.Parameter(L.ones(1)))
setattr(m, 'none', L.ones(1)) | setattr(m, 'none', None) | setattr(m, 'a.b', L.nn.Parameter(L.ones(1)))
delattr(m, 'fc') | delattr(m, 'buf') | delattr(m, 'w') | delattr(m, 'zz') | delattr(m, 'attr') | delattr(m, 'tmp')
m.zz | m.fc.zz | m.train(False) | m.train(1) | m.train(None) | m.eval() | m.requires_grad_(False)
m.requires_grad_(0) | m.requires_grad_() | m.zero_grad(False) | m.zero_grad() | m.apply(5) | m.apply(lambda x: None)
m.to('cpu') | m.to(L.float64) | m.to(L.int64) | m.double() | m.float() | m.cpu() | m.type(L.float64) | m.type('foo')
m(L.ones(2)) | m() | m.load_state_dict({}) | m.load_state_dict({}, strict=False) | m.load_state_dict(5)
m.load_state_dict(None) | m.load_state_dict(m.state_dict()) | m.load_state_dict({**m.state_dict(), 'x': 1})
m.load_state_dict({**m.state_dict(), 'w': L.ones(5)}, strict=False) | m.load_state_dict({**m.state_dict(), 'w': 5})
m.load_state_dict({**m.state_dict(), 'w': L.ones(3).double()})
m.load_state_dict({**m.state_dict(), 'w': L.ones(3).double()}, assign=True)
m.load_state_dict({**m.state_dict(), 'w': L.ones(3).long()})
m.load_state_dict({**m.state_dict(), 'w': L.ones(3).long()}, assign=True)
m.load_state_dict({**m.state_dict(), 'w': None}) | m.load_state_dict({**m.state_dict(), 'none': L.ones(1)})
m.load_state_dict({**m.state_dict(), 'tmp': L.ones(1)}) | m.load_state_dict({**m.state_dict(), 's': L.ones(1)})
m.load_state_dict({**m.state_dict(), 's': L.ones(1, 1)})
m.load_state_dict({**m.state_dict(), 'w': L.nn.Parameter(L.zeros(3), False)}, assign=True)
m.load_state_dict({**m.state_dict(), 'buf': L.nn.Parameter(L.zeros(2), False)}, assign=True)
m.load_state_dict({**m.state_dict(), 'fc.weight.x': L.ones(1)})
m.load_state_dict({**m.state_dict(), 'a': L.ones(1)})
m.load_state_dict({**m.state_dict(), 'buf': L.ones(2).double()})
m.load_state_dict({**m.state_dict(), 'buf': L.ones(2).long()}, assign=True) | m.state_dict()
m.state_dict(prefix='p.') | m.state_dict(keep_vars=True) | m.state_dict({}) | m.state_dict({}, 'p.', True)
m.state_dict(destination={}) | list(m.named_parameters('p')) | list(m.named_parameters('p', False))
list(m.named_buffers('p', recurse=False)) | list(m.named_modules(prefix='p')) | list(m.named_children())
list(m.modules()) | list(m.buffers(False)) | list(m.parameters(recurse=False))
[k for k in dir(m) if k in ('fc','w','buf','attr','a','0')] | m.extra_repr() | m._get_name()
m.named_parameters(remove_duplicate=False).__class__.__name__ | m.parameters().__class__.__name__
m.children().__class__.__name__ | m.named_children().__class__.__name__ | hash(m) == hash(m) | m == m
m != L.nn.Tanh() | bool(m) | len(m) | m[0] | iter(m) | m.fc is m.fc | m.a[0] is m.a[0] | str(m) | m.get_extra_state()
m.set_extra_state(1) | m.register_forward_hook(5) | m.register_forward_pre_hook(None)
m.register_forward_hook(lambda *a: None, prepend=True, with_kwargs=False, always_call=False) is not None
"""


def module_of(lib: Any) -> Any:
    class Model(lib.nn.Module):
        cls = 3

        def __init__(self) -> None:
            super().__init__()
            self.w = lib.nn.Parameter(lib.ones(3))
            self.s = lib.nn.Parameter(lib.tensor(1.0))
            self.fc = lib.nn.Linear(2, 2)
            self.a = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh())
            self.register_buffer("buf", lib.zeros(2))
            self.register_buffer("tmp", lib.zeros(1), persistent=False)
            self.register_parameter("none", None)
            self.attr = 3

        def forward(self, x: Any) -> Any:
            return self.a(self.fc(x))

    lib.manual_seed(0)
    return Model()


@calls(METHODS)
def test_methods_of_modules(call: str) -> None:
    def done(lib: Any) -> Any:
        model = module_of(lib)
        result, count = outcome(lib, call, {"m": model, "L": lib})
        left = plain({**model.state_dict(keep_vars=True), **dict(model.named_buffers())}, lib)
        nones = [name for name, held in model._parameters.items() if held is None]
        return plain(result, lib), result if isinstance(result, type) else None, count, repr(model), left, nones

    assert done(numbarnn) == done(torch)


# ---------------------------------------------------------------------------------------------------------------------
# optimizers

OPTIMIZERS = """
o.SGD(ps)
o.SGD(params=ps, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01, nesterov=False, maximize=True,\
 foreach=None, differentiable=False, fused=None)
o.SGD(ps, 0.1, 0.9, 0, 0.01, True) | o.SGD(ps, lr=T.tensor(0.1)) | o.SGD(ps, lr=T.tensor([0.1]))
o.SGD(ps, lr=T.tensor([0.1, 0.2])) | o.SGD(ps, lr=T.tensor([[0.1]])) | o.SGD(ps, lr=-0.1) | o.SGD(ps, lr='a')
o.SGD(ps, lr=None) | o.SGD(ps, lr=float('nan')) | o.SGD(ps, lr=T.tensor(-0.1)) | o.SGD(ps, lr=1) | o.SGD(ps, lr=True)
o.SGD(ps, momentum=float('nan')) | o.SGD(ps, weight_decay=T.tensor(0.1)) | o.SGD(ps, foreach=True)
o.SGD(ps, fused=True) | o.SGD(ps, lr=0.1, foreach=True, fused=True) | o.SGD(ps, lr=T.tensor(0.1), foreach=True)
o.SGD(ps, 0.1, 0.9, 0, 0, False, True) | o.Adam(ps)
o.Adam(params=ps, lr=0.1, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1, amsgrad=True, foreach=False, maximize=True,\
 capturable=False, differentiable=False, fused=False, decoupled_weight_decay=True)
o.Adam(ps, 0.1, (0.8, 0.9), 1e-6, 0.1, True) | o.Adam(ps, lr=T.tensor(0.1))
o.Adam(ps, lr=T.tensor(0.1), foreach=True) | o.Adam(ps, lr=T.tensor([0.1, 0.2])) | o.Adam(ps, lr=-1)
o.Adam(ps, lr=float('nan')) | o.Adam(ps, betas=(0, 0.9)) | o.Adam(ps, betas=(0.9, 1.0)) | o.Adam(ps, betas=[0.8, 0.9])
o.Adam(ps, betas=0.9) | o.Adam(ps, betas=(0.9, )) | o.Adam(ps, betas=(T.tensor(0.9), T.tensor(0.99)))
o.Adam(ps, betas=(0.9, T.tensor(0.99))) | o.Adam(ps, betas=(T.tensor([0.9]), T.tensor([0.99])))
o.Adam(ps, betas=(T.tensor([0.9, 0.8]), T.tensor([0.99]))) | o.Adam(ps, eps=-1) | o.Adam(ps, weight_decay=-1)
o.Adam(ps, betas=(T.tensor(0.9), T.tensor(0.99)), foreach=True)
o.Adam(ps, betas=('a', 'b')) | o.Adam(ps, betas=None) | o.AdamW(ps)
o.AdamW(params=ps, lr=0.1, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1, amsgrad=True, maximize=True, foreach=None,\
 capturable=False, differentiable=False, fused=None)
o.AdamW(ps, lr=T.tensor(0.1)) | o.AdamW(ps, decoupled_weight_decay=False) | o.RMSprop(ps)
o.RMSprop(params=ps, lr=0.1, alpha=0.9, eps=1e-6, weight_decay=0.1, momentum=0.5, centered=True, capturable=False,\
 foreach=None, maximize=True, differentiable=False)
o.RMSprop(ps, 0.1, 0.9, 1e-6, 0.1, 0.5, True, False, None, True, False) | o.RMSprop(ps, lr=T.tensor(0.1))
o.RMSprop(ps, lr=T.tensor([0.1, 0.2])) | o.RMSprop(ps, alpha=-1) | o.RMSprop(ps, lr=T.tensor(0.1), foreach=True)
o.SGD(named) | o.Adam(named) | o.SGD([{'params':named}, {'params':[('z', z)]}])
o.SGD([{'params':named}, {'params':[z]}]) | o.SGD([('a', ps[0]), ps[1]])
o.SGD([{'params':ps, 'param_names':['a', 'b']}]) | o.SGD([{'params':ps[0]}]) | o.SGD(iter(ps)) | o.SGD([])
o.SGD(ps[0]) | o.SGD([ps[0]*2]) | o.SGD([1]) | o.SGD([None]) | o.SGD({'params':ps})
o.SGD([{'params':ps[:1], 'lr':0.5, 'foo':3}, {'params':ps[1:]}], lr=0.1) | o.SGD([{'params':ps}, {'params':ps}])
o.SGD([ps[0], ps[0]]) | o.SGD([{'params':set(ps)}]) | o.SGD([{'lr':1}]) | o.SGD(None) | o.SGD(5)
o.SGD([{'params':[]}]) | o.SGD([T.tensor([1])]) | o.SGD([T.zeros(2)]) | o.SGD([retained]) | o.SGD(ps, 0.1, foo=1)
o.SGD() | o.SGD([{'params':ps}, z]) | o.SGD([{'params':named, 'param_names':['c', 'd']}]) | o.Optimizer(ps, {'lr':1})
o.SGD([(1, ps[0])]) | o.SGD([[ps[0]]]) | o.SGD(('a', ps[0]))
"""


@calls(OPTIMIZERS)
def test_optimizers(call: str) -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(1)
        ps = [lib.nn.Parameter(lib.tensor([1.0, -2.0, 3.0])), lib.nn.Parameter(lib.tensor([[0.5]]))]
        z, retained = lib.nn.Parameter(lib.ones(1)), ps[0] * 2
        retained.retain_grad()
        names = {
            "o": lib.optim,
            "T": lib,
            "ps": ps,
            "named": [("a", ps[0]), ("b", ps[1])],
            "z": z,
            "retained": retained,
        }
        optimizer, count = outcome(lib, call, names)
        if isinstance(optimizer, type):
            return optimizer, count
        history = [repr(optimizer)]
        for step in range(3):
            for number, parameter in enumerate(ps):
                parameter.grad = lib.full(tuple(parameter.shape), 0.3 * (step - 0.5 + number))
            try:
                optimizer.step()
            except Exception as error:
                history.append(type(error))
                break
            history.append(plain(ps, lib))
        state = optimizer.state_dict()
        optimizer.load_state_dict(copy.deepcopy(state))
        keys = [list(group) for group in state["param_groups"]]
        return count, history, plain(state, lib), keys, repr(optimizer)

    assert run(numbarnn) == run(torch)


# ---------------------------------------------------------------------------------------------------------------------
# nn.init and nn.utils

HELPERS = """
I.uniform_(A(2, 3)) | I.uniform_(tensor=A(2, 3), a=-1.0, b=2.0) | I.uniform_(A(0, 3)) | I.uniform_(A())
I.uniform_(A(2, 3), 2.0, 1.0) | I.uniform_(A(2, 3), 'a') | I.uniform_(A(2, 3).long()) | I.uniform_([1.0])
I.uniform_(A(40, 3).double(), -2, 3) | I.uniform_(P(2, 3)) | I.normal_(A(2, 3))
I.normal_(tensor=A(20, 3), mean=1.0, std=2.0) | I.normal_(A(2, 3), 0, -1) | I.normal_(A(0))
I.normal_(A(2, 3).long()) | I.normal_(A(2, 3), float('nan'), 1.0) | I.normal_(P(4, 5)) | I.constant_(A(2, 3), 0.3)
I.constant_(tensor=A(2), val=3) | I.constant_(A(2).long(), 2.7) | I.constant_(A(2), 'a')
I.constant_(A(2), T.tensor(3.0)) | I.constant_(A(2)>5, 2) | I.zeros_(A(2)) | I.ones_(A(2)) | I.zeros_(P(2))
I.ones_(tensor=A(2).long()) | I.constant_(A(2), None) | I.constant_(A(2), True) | I.eye_(A(2, 3)) | I.eye_(A(3))
I.eye_(A(2, 3, 4)) | I.eye_(A(3, 3).long()) | I.eye_(P(3, 2)) | I.eye_(A(0, 2)) | I.eye_(A(3, 2).t())
I.xavier_uniform_(A(2, 3)) | I.xavier_uniform_(tensor=A(2, 3), gain=2.0) | I.xavier_uniform_(A(3))
I.xavier_uniform_(A(2, 3, 4)) | I.xavier_uniform_(A(0, 0)) | I.xavier_uniform_(A(0, 3))
I.xavier_uniform_(A(2, 3), gain='a') | I.xavier_uniform_(A()) | I.xavier_normal_(A(20, 3))
I.xavier_normal_(tensor=A(2, 3, 4, 5), gain=0.5) | I.xavier_normal_(A(3)) | I.xavier_uniform_(A(2, 3), gain=-1.0)
I.xavier_normal_(A(2, 3), gain=-1.0) | I.kaiming_uniform_(A(2, 3))
I.kaiming_uniform_(tensor=A(2, 3), a=0.1, mode='fan_out', nonlinearity='leaky_relu')
I.kaiming_uniform_(A(2, 3), mode='FAN_OUT') | I.kaiming_uniform_(A(2, 3), mode='foo')
I.kaiming_uniform_(A(2, 3), nonlinearity='foo') | I.kaiming_uniform_(A(2, 3), nonlinearity='relu')
I.kaiming_uniform_(A(2, 3), nonlinearity='tanh') | I.kaiming_uniform_(A(3)) | I.kaiming_uniform_(A(0, 3))
I.kaiming_uniform_(A(2, 3), a='x') | I.kaiming_uniform_(A(2, 3), math.sqrt(5)) | I.kaiming_normal_(A(20, 3))
I.kaiming_normal_(A(0, 3)) | I.kaiming_normal_(tensor=A(2, 3), a=0, mode='fan_in', nonlinearity='selu')
I.kaiming_normal_(A(3)) | I.kaiming_uniform_(A(2, 3), True) | I.kaiming_uniform_(A(0))
I.kaiming_uniform_(A(2, 3), nonlinearity='linear') | I.orthogonal_(A(3, 3)) | I.orthogonal_(tensor=A(4, 3), gain=2.0)
I.orthogonal_(A(3)) | I.orthogonal_(A(0, 3)) | I.orthogonal_(A(2, 3, 2)) | I.orthogonal_(A(3, 3).double())
I.orthogonal_(A(3, 3).long()) | I.orthogonal_(P(3, 5)) | I.orthogonal_(A(1, 1)) | I.calculate_gain('linear')
I.calculate_gain('sigmoid') | I.calculate_gain('tanh') | I.calculate_gain('relu') | I.calculate_gain('leaky_relu')
I.calculate_gain('leaky_relu', 0.2) | I.calculate_gain(nonlinearity='leaky_relu', param=1)
I.calculate_gain('leaky_relu', True) | I.calculate_gain('leaky_relu', 'a') | I.calculate_gain('selu')
I.calculate_gain('foo') | I.calculate_gain('conv2d') | I.calculate_gain(None)
U.parameters_to_vector([P(2, 3), P(3)]) | U.parameters_to_vector(parameters=[A(2, 3)]) | U.parameters_to_vector([])
U.parameters_to_vector([A()]) | U.parameters_to_vector([A(0)]) | U.parameters_to_vector([3.0])
U.parameters_to_vector(A(2, 3)) | U.parameters_to_vector([A(2), A(2).double()])
vector(vec=T.arange(5.0), ps=[P(2), P(3)]) | vector(T.arange(4.0), [P(2), P(3)])
vector(T.arange(5.0).double(), [P(2), P(3)]) | vector(T.arange(5), [P(2), P(3)]) | vector([1.0], [P(1)])
vector(T.arange(6.0), [P(2, 3)]) | vector(T.arange(1.0), [P()]) | vector(T.arange(5), [A(5)])
vector(T.ones(5, requires_grad=True)*2, [P(5)]) | norm([3.0, 4.0], 1.0)
norm([3.0, 4.0], max_norm=1.0, norm_type=1.0) | norm([3.0, 4.0], 10.0) | norm([3.0, 4.0], 1.0, float('inf'))
norm([3.0, 4.0], 1.0, 'inf') | norm([3.0, 4.0], -1.0) | norm([3.0, 4.0], 0) | norm([float('nan'), 1.0], 1.0)
norm([float('inf'), 1.0], 1.0) | norm([float('inf'), 1.0], 1.0, error_if_nonfinite=True) | norm([0.0, 0.0], 1.0)
norm([3.0, 4.0], 1.0, 0.5) | norm([3.0, 4.0], T.tensor(1.0)) | norm([3.0, 4.0], 'x') | norm([3.0, 4.0], 1.0, 0)
norm([3.0, 4.0], 1.0, foreach=False) | norm([3.0, 4.0], 1.0, -1) | norm([0.0, 4.0], 1.0, -1) | norm([3.0, 4.0], None)
norm([3.0, 4.0], float('nan')) | value([3.0, -4.0], 1.0) | value([3.0, -4.0], clip_value=3.5)
value([3.0, -4.0], -1.0) | value([float('nan'), 4.0], 1.0) | value([3.0, -4.0], 'x')
value([3.0, -4.0], T.tensor(1.0)) | value([3.0, -4.0], float('inf')) | value([3.0, -4.0], 1.0, foreach=False)
value([3.0, -4.0], float('nan'))
"""


@calls(HELPERS)
def test_init_and_utils(call: str) -> None:
    def done(lib: Any) -> Any:
        def tensor(*shape: int) -> Any:
            return lib.full(shape, 0.5)

        def parameter(*shape: int) -> Any:
            return lib.nn.Parameter(tensor(*shape))

        def vector(vec: Any, ps: Any) -> Any:
            return [lib.nn.utils.vector_to_parameters(vec, ps), *ps]

        def clip(function: str) -> Callable[..., Any]:
            def clipped(values: list[float], *args: Any, **options: Any) -> Any:
                weight = parameter(len(values))
                weight.grad = lib.tensor(values)
                return [getattr(lib.nn.utils, function)([weight], *args, **options), weight.grad]

            return clipped

        lib.manual_seed(1)
        names = {"I": lib.nn.init, "U": lib.nn.utils, "T": lib, "A": tensor, "P": parameter, "math": math}
        helpers = {"vector": vector, "norm": clip("clip_grad_norm_"), "value": clip("clip_grad_value_")}
        result, count = outcome(lib, call, {**names, **helpers})
        return plain(result, lib), result if isinstance(result, type) else lib.rand(1).item(), count

    assert done(numbarnn) == done(torch)
