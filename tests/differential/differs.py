"""What differs from torch on purpose, each with its reason.

README's rows "different" are made of this table: `python tests/differential/differs.py` prints them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import numpy as np
from recipes import T
from rows import Case, Row

#: arguments of torch that are nowhere taken: they raise TypeError
NOT_TAKEN = {
    "out": "results are new tensors",
    "generator": "one generator, seeded by manual_seed",
    "layout": "all tensors are strided",
    "pin_memory": "no pinned memory",
    "memory_format": "no formats but strides",
    "out_dtype": "products have the type of their operands",
    "implicit": "`expand` has no mode of its own for torch's insides",
}


def _any(row: Row, case: Case) -> bool:
    return True


@dataclass(frozen=True)
class Different:
    """Where and in what the net finds a difference, why it is one, and a line of code that shows it.

    Without paths: one that takes more than a call to show.
    """

    paths: str
    words: str  # a regular expression for what `outcome.differences` says
    reason: str
    example: str  # `t` is the library, `np` NumPy
    when: Callable[[Row, Case], bool] = _any

    def covers(self, row: Row, case: Case, words: str) -> bool:
        alike = any(fnmatch(row.path, path) for path in self.paths.split())
        return alike and re.search(self.words, words, re.DOTALL) is not None and self.when(row, case)

    def shown(self, t: Any) -> str:
        """What the example gives in one library: its value or the type of its error."""
        scope: dict[str, Any] = {"t": t, "np": np}
        try:
            exec(self.example if "\n" in self.example else f"found = {self.example}", scope)
            return str(scope["found"])
        except Exception as error:
            return type(error).__name__


def _not_a_tensor(row: Row, case: Case) -> bool:
    """A list, a number or an array stands where torch wants a tensor."""
    return any(
        type(value) in (list, tuple, int, float, bool, np.ndarray) or isinstance(value, np.generic)
        for value in case.arguments.values()
    )


def _empty(row: Row, case: Case) -> bool:
    return any(getattr(value, "shape", None) and 0 in value.shape for value in case.arguments.values())


def _extreme(row: Row, case: Case) -> bool:
    """A number that float32 or int32 cannot hold, or tell from the next."""
    numbers = [abs(value) for value in case.arguments.values() if isinstance(value, (int, float))]
    return any(0 < number < 1e-37 or number >= 2**24 for number in numbers)


def _no_dim(row: Row, case: Case) -> bool:
    return case.arguments.get("dim") is None or isinstance(case.arguments["dim"], bool)


def _ties(row: Row, case: Case) -> bool:
    x = case.arguments.get("input", case.arguments.get("self"))
    return isinstance(x, T) and len(np.unique(x.array())) < x.array().size


TABLE = {
    "More is taken": [
        Different(
            "", "", "the pieces of `chunk`, `split` and `unbind` may be written in place",
            "x = t.ones(4, requires_grad=True)\nb = x * 1\nb.chunk(2)[0].mul_(2)\nb.sum().backward()\n"
            "found = x.grad[0].item()",
        ),
        Different(
            "*", r"accepted, where torch raises TypeError: .*must be Tensor",
            "functions take arrays, lists and numbers in the place of tensors",
            "t.exp(np.zeros(2)).tolist()", _not_a_tensor,
        ),
        Different(
            "nn.utils.parameters_to_vector", "accepted.*view size is not compatible",
            "`parameters_to_vector` takes parameters that are not contiguous",
            "t.nn.utils.parameters_to_vector([t.zeros(2, 3).t()]).shape[0]",
        ),
        Different(
            "nn.utils.clip_grad_value_", "accepted.*nested_tensorlist",
            "`clip_grad_value_` takes an empty gradient",
            "t.nn.utils.clip_grad_value_([], 1.0)",
        ),
        Different(
            "nn.ModuleList", "accepted.*KeyError: '-1'", "`ModuleList.insert` takes negative positions",
            "len([t.nn.ModuleList([t.nn.Tanh()]).insert(-1, t.nn.Tanh())])",
        ),
        Different(
            "eye", "accepted.*NoneType", "`eye(n, None)` is `eye(n)`", "t.eye(2, None).shape[0]",
        ),
        Different(
            "arange", "accepted.*missing 1 required", "`arange(start=n)` is `arange(n)`", "t.arange(start=2).shape[0]",
        ),
        Different(
            "Tensor.new_tensor", "accepted.*byte order",
                 "arrays of another byte order are converted where they are copied",
            "t.zeros(1).new_tensor(np.zeros(2, '>f4')).shape[0]",
        ),
        Different(
            "*tensor BoolTensor", "accepted.*only integer tensors",
                 "a bool tensor is made of a list of float tensors too",
            "t.BoolTensor([t.tensor(0.5)]).item()",
        ),
        Different(
            "*sum *mean *prod *var *std *max *min *squeeze",
            r"accepted, where torch raises TypeError: \w+\(\)",
            "`keepdim` without `dim` and `dim=None` are taken, as is `var(dim=unbiased)`",
            "t.zeros(2).sum(keepdim=True).shape[0]", _no_dim,
        ),
        Different(
            "*", r"accepted.*unexpected keyword argument '(axis|keepdims|x|a|x1|x2)'",
            "NumPy's names of arguments are taken everywhere", "t.norm(t.ones(1), axis=0).item()",
        ),
        Different(
            "*", r"where torch raises TypeError: (.*must be tuple of ints, not int|view\(\).*size=int)",
            "one int is a tuple of one, also where it is given by name", "t.zeros(6).reshape(shape=6).shape[0]",
        ),
        Different(
            "*norm", r"accepted.*len\(\) of a 0-d tensor", "a tensor without dimensions is a `dim` for `norm` too",
            "t.ones(1).norm('fro', t.tensor(0)).item()",
        ),
        Different(
            "*sort", r"accepted.*sort\(\) (received|takes)", "`stable` is taken with any arguments beside it",
            "t.zeros(1).sort(-1, stable=True)[0].item()", lambda row, case: "stable" in case.arguments,
        ),
        Different(
            "*scatter *scatter_", r"accepted.*src=(float|int|bool)", "`src` may be a number by its name too",
            "t.zeros(1).scatter(0, t.tensor([0]), src=2.0).item()",
        ),
        Different(
            "round Tensor.round", "accepted.*round_vml_cpu", "`round(decimals=0)` of integers gives them back",
            "t.tensor([1]).round(decimals=0).item()",
        ),
        Different(
            "where Tensor.where", "where.. received an invalid combination",
            "`where` takes a number for `input` by name", "t.where(t.tensor([True]), input=2, other=t.ones(1)).item()",
        ),
        Different(
            "Tensor.__setitem__", "accepted.*(numpy.ndarray|only supports boolean masks)",
            "`x[i] = array` and `x[uint8 mask] = value` write",

            "x = t.zeros(2)\nx[0:1] = np.ones(1, np.float32)\nfound = x[0].item()",
        ),
        Different(
            "bernoulli", "accepted.*invalid combination", "`bernoulli` takes a number beside `p`",
                 "t.bernoulli(0.5, 1.0).item()",
        ),
    ],
    "Refused": [
        Different(
            "", "", "a write through `.data` is one: a backward pass that needs the old values refuses",
            "x = t.ones(2, requires_grad=True)\ny = x.exp()\ny.data.zero_()\ny.sum().backward()\nfound = 1",
        ),
        Different(
            "", "", "a layer's weights cannot be written between forward and backward pass, needed or not",
            "r = t.nn.RNN(1, 1)\ny = r(t.ones(2, 1, 1))[0]\nwith t.no_grad(): r.weight_ih_l0.mul_(2)\n"
            "y.sum().backward()\nfound = 1",
        ),
        Different(
            "*norm", "refused.*'nuc'", "no nuclear norm", "round(t.eye(2).norm('nuc').item())",
        ),
        Different(
            "Tensor.view", r"(refused|error): TypeError.*(dtype)",
            "`view(dtype)`, the same bits as another type, is not taken",
            "t.zeros(1).view(t.int32).item()", lambda row, case: "dtype" in case.arguments,
        ),
        Different(
            "nn.utils.rnn.pack_padded_sequence", r"refused.*at most \d+, the number of steps",
            "lengths beyond the padding are refused (torch makes a broken pack)",
            "t.nn.utils.rnn.pack_padded_sequence(t.zeros(1, 2), [2, 1]).data.shape",
        ),
        Different(
            "nn.init.*_ Tensor.*_", "refused.*single memory location",
            "an expanded tensor cannot be written to, not even with one number",
            "t.nn.init.zeros_(t.ones(1).expand(3)).sum().item()",
        ),
        Different(
            "nn.functional.cross_entropy", "refused.*label_smoothing must be between",
            "negative label smoothing is refused (torch leaves it out without a word)",
            "round(t.nn.functional.cross_entropy(t.zeros(1, 2), t.tensor([0]), label_smoothing=-0.5).item(), 3)",
        ),
        Different(
            "optim.Optimizer.*state_dict", "refused.*expected the shape of its parameter",
            "an optimizer's state of another shape than the parameter is refused when it is loaded",
            "s = lambda n: t.optim.SGD([t.nn.Parameter(t.ones(n))], 1.0, momentum=0.5)\na, b = s(2), s(3)\n"
            "a.param_groups[0]['params'][0].grad = t.ones(2)\na.step()\nfound = b.load_state_dict(a.state_dict())",
        ),
        Different(
            "*tensor from_numpy", "refused.*(complex|1j)", "complex numbers are refused", "t.tensor(1j).dtype",
        ),
        Different(
            "*", r"refused: NotImplementedError.*", "an empty tensor of integers is refused where one with elements is",
            "t.nn.functional.softmax(t.zeros(0, dtype=t.int64), 0).shape[0]", _empty,
        ),
        Different(
            "Tensor.copy_ Tensor.__setitem__", "refused: RuntimeError: (value cannot|Index put)",
            "a number beyond an integer type, and a float tensor for integers, are refused in any case",
            "t.zeros(1, dtype=t.int32).copy_(1e300).item()",
        ),
    ],
    "Other results": [
        Different(
            "multinomial", "result", "draws without replacement of what has probability 0 come in another order",
            "t.manual_seed(0)\nfound = t.multinomial(t.tensor([0.0, 0, 1, 0, 0]), 4).tolist()",
            lambda row, case: getattr(case.arguments["input"], "values", None) == (0, 0, 1, 0, 0),
        ),
        Different(
            "Tensor.masked_fill_ Tensor.__setitem__", "requires_grad|is_leaf|gradient",
            "integers that a float with a history is written to have none",
            "x = t.zeros(2, 3, dtype=t.int64)\nx[:, 0] = t.tensor(1.0, requires_grad=True)\nfound = x.requires_grad",
            lambda row, case: getattr(case.arguments.get("self", case.arguments.get("x")), "dtype", "f")[0] != "f",
        ),
        Different(
            "Tensor.__mod__ Tensor.__imod__", "result: stride", "remainders of expanded tensors are laid out otherwise",
            "(t.ones(1, 3).expand(2, 3) % t.ones(2, 3, dtype=t.float64)).stride()",
        ),
        Different(
            "*pow* Tensor.__r*__ *mod*", "gradient: .*torch's 'RuntimeError in the backward pass'",
            "powers of and to bools, and remainders of numbers, have gradients (torch fails in the backward pass)",
            "x = t.ones(1, requires_grad=True)\n(5 % x).sum().backward()\nfound = x.grad.item()",
        ),
        Different(
            "*pow*", "(result|gradient|argument)",

            "exponents and bases beyond what float32 can tell apart are rounded to it",
            "(t.tensor([-2.0]) ** -1e-300).item()", _extreme,
        ),
        Different(
            "Tensor.__rtruediv__", "result: value",
            "an integer beyond the type of the integers it meets is not taken modulo that type",
            "(2**31 / t.tensor([1], dtype=t.int32)).item()", _extreme,
        ),
        Different(
            "Tensor.__deepcopy__ Tensor.__reduce_ex__", "result: stride",

            "copies and pickles of tensors with gaps have none",
            "import copy\nfound = copy.deepcopy(t.zeros(4)[::2]).stride()",
        ),
        Different(
            "pow", "result: stride", "powers of a tensor without dimensions are laid out by rows",
            "t.pow(t.tensor(2.0), t.zeros(2, 3).t()).stride()",
        ),
        Different(
            "*", "accepted.*Autograd not support dtype", "an integer result has no history (torch: an error)",
            "t.ones(1, requires_grad=True).sum(dtype=t.int64).item()",
        ),
        Different(
            "*var *std", r"gradient", "the gradient of `var(dim=())` is that of all dimensions, of which the value is",
            "x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)\n"
            "x.var(dim=()).backward()\nfound = x.grad[0, 0].item()",
            lambda row, case: case.arguments.get("dim") == (),
        ),
        Different(
            "*var *std", r"gradient.*(inf|nan).*torch's",
            "without degrees of freedom the gradient is infinite with the sign of what differs from the mean",
            "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n"
            "    x = t.tensor([1.0, 2.0], requires_grad=True)\n    x.var(correction=2).backward()\n"
            "found = x.grad.tolist()",
            lambda row, case: (case.arguments.get("correction") or 0) > 0,
        ),
        Different(
            "*norm", r"(?s)gradient.*torch's None", "the gradient of a norm of order 0 is zeros, not None",
            "x = t.ones(1, requires_grad=True)\nx.norm(0).backward()\nfound = x.grad is None",
            lambda row, case: case.arguments.get("p") == 0,
        ),
        Different(
            "*sort *topk", r"(?s)(result(\[1\])?: value|gradient)",
            "equal values, and equal lengths in a pack, keep their order (beyond 16 torch's sort is not stable)",
            "t.tensor([0.0, 1.0] * 10).sort(descending=True)[1].tolist()", _ties,
        ),
        Different(
            "*scatter *scatter_", r"(?s)gradient.*torch's 'RuntimeError", "a `src` larger than `index` has a gradient",
            "x = t.ones(3, requires_grad=True)\n"
            "t.zeros(2).scatter(0, t.tensor([0]), x).sum().backward()\nfound = x.grad.tolist()",
        ),
        Different(
            "Tensor.stride", "result",
                 "an empty tensor has the strides of one without gaps, also if it came from an array",
            "t.from_numpy(np.zeros(0)).stride()[0]", _empty,
        ),
        Different(
            "bernoulli normal", r"gradient|requires_grad|is_leaf",
            "what `bernoulli` and `normal` draw has no history (torch: one whose gradients are 0)",
            "t.normal(t.zeros(2, requires_grad=True), 1.0).requires_grad",
        ),
        Different(
            "Size", r"result.*np.int64", "`Size` keeps ints, of whatever it was made",
                 "type(t.Size([np.int64(2)])[0]).__name__",
        ),
        Different(
            "nn.functional.cross_entropy nn.functional.nll_loss nn.CrossEntropyLoss nn.NLLLoss", r"gradient\[0\].*nan",
            "a row whose target is ignored has no gradient, even where its logits are not finite (torch: NaN)",
            "x = t.tensor([[float('nan'), 1.0]], requires_grad=True)\n"
            "t.nn.functional.cross_entropy(x, t.tensor([-100]), reduction='sum').backward()\nfound = x.grad.tolist()",
            lambda row, case: "ignore_index" in case.arguments,
        ),
    ],
    "All or nothing": [
        Different(
            "Tensor.__setitem__", r"argument\[\d\]",
                 "an index out of range writes nothing (torch writes those before it)",
            "x = t.zeros(2)\ntry: x[[0, 5]] = 1.0\nexcept IndexError: found = x[0].item()",
        ),
        Different(
            "Tensor.scatter_", r"argument\[0\]", "an index out of range writes nothing (torch writes those before it)",
            "x = t.zeros(2)\ntry: x.scatter_(0, t.tensor([0, 9]), 1.0)\n"
            "except (RuntimeError, IndexError): found = x.sum().item()",
            lambda row, case: case.arguments["index"].values in ((0, 2), (0, 9, 1, 0), (0, -1, 1, 0), (0, 1, 1, 0)),
        ),
        Different(
            "nn.Module.load_state_dict", r"result\[[23]\]",
            "`load_state_dict` of a state that does not fit changes nothing (torch loads what fits, then raises)",
            "m = t.nn.Linear(1, 1)\ntry: m.load_state_dict({'weight': t.ones(1, 1) * 7})\n"
            "except RuntimeError: found = m.weight.item() == 7",
        ),
        Different(
            "nn.utils.vector_to_parameters", r"(argument\[\d\]|refused.*one element each)",
            "`vector_to_parameters` takes a vector of the right length alone, and a wrong one changes nothing",
            "t.nn.utils.vector_to_parameters(t.zeros(3), [t.nn.Parameter(t.ones(2))])",
        ),
        Different(
            "nn.init.orthogonal_", r"argument\[0\]", "a wrong `gain` leaves the tensor as it was",
            "x = t.ones(2, 2)\ntry: t.nn.init.orthogonal_(x, 'x')\nexcept TypeError: found = x.sum().item() == 4",
        ),
        Different(
            "nn.utils.rnn.unpad_sequence", r"argument\[0\]|in-place operation",
            "`unpad_sequence` leaves its argument alone (torch transposes it)",
            "x = t.zeros(2, 1)\nt.nn.utils.rnn.unpad_sequence(x, t.tensor([1]))\nfound = tuple(x.shape)",
        ),
    ],
    "Warnings": [
        Different(
            "*tensor randint Tensor.__*item__ *where *scatter *scatter_ Tensor.T Tensor.mT",
                 r"warnings: \[\], torch's \['UserWarning'\]",
            "no warnings that copying is slow, that a range is odd, or of what torch means to take away",
            "import warnings\nwith warnings.catch_warnings(record=True) as caught:\n"
            "    warnings.simplefilter('always')\n    t.zeros(1).new_tensor(t.zeros(1))\nfound = len(caught)",
        ),
    ],
    "Other errors": [
        Different(
            "*", r"MemoryError: Unable to allocate", "what cannot be allocated is MemoryError", "t.zeros(2**62)",
        ),
        Different(
            "tensor as_tensor", "TypeError: expected a number, got list, where torch raises ValueError",
            "a tensor beside a list in a list is TypeError", "t.tensor([t.zeros(2), [1.0, 2.0]])",
        ),
        Different(
            "bernoulli", "probabilities are in .* NotImplementedError",
                 "probabilities out of range are told before their type",
            "t.bernoulli(t.tensor([3]))",
        ),
        Different(
            "*", r"(TypeError: .*, where|accepted, where) torch raises AttributeError: '\w+' object has no attribute",
            "what is no tensor raises TypeError where torch's error is an accident of its insides",
            "t.nn.functional.sigmoid(None)",
        ),
        Different(
            "nn.Module.to Tensor.to",
                 "TypeError: dtype: expected .* where torch raises RuntimeError: Cannot access accel",
            "a device by its number alone is TypeError", "t.zeros(1).to(1)",
        ),
        Different(
            "nn.utils.rnn.pack_sequence", "RuntimeError: expected sequences of one dimension .* IndexError",
            "a sequence without a dimension is RuntimeError as other shapes that do not fit",
            "t.nn.utils.rnn.pack_sequence([t.tensor(1.0)])",
        ),
        Different(
            "nn.*", "TypeError: .* where torch raises RuntimeError: (hidden0|mat1 and mat2)|TypeError: an integer is",
            "True and False are no sizes: TypeError when the layer is made", "t.nn.Linear(True, 2)(t.zeros(1, 3))",
        ),
    ],
}  # fmt: skip

DIFFERENT = [different for kind in TABLE.values() for different in kind]


def explained(row: Row, case: Case, words: str) -> bool:
    """Whether the table has this difference."""
    return any(different.covers(row, case, words) for different in DIFFERENT)


def readme() -> str:
    """What README says of it: a paragraph for each kind."""
    kinds = {kind: [different.reason for different in found] for kind, found in TABLE.items()}
    kinds["Not taken"] = [f"`{name}=` ({why})" for name, why in NOT_TAKEN.items()]
    found = [f"- **{kind}**: {'; '.join(dict.fromkeys(reasons))}." for kind, reasons in kinds.items()]
    return "\n".join(textwrap.fill(line, 120, subsequent_indent="  ", break_on_hyphens=False) for line in found)


if __name__ == "__main__":
    print(readme())
