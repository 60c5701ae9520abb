"""The order in memory of what is computed, and with it what is drawn at random, for every layout: as in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import numbarnn  # noqa: E402  # after the check that torch is there

#: how `x` lies in memory; its elements are in [0, 1)
LAYOUTS = {
    "rows": "b",
    "transposed": "b.permute(2, 1, 0)",
    "batch first": "b.transpose(0, 1)",
    "channels": "b.permute(1, 2, 0)",
    "every other": "b[:, :, ::2]",
    "few": "b[:2, :2, :3].permute(2, 1, 0)",
    "expanded": "b[:1].expand(4, 5, 6)",
    "expanded and permuted": "b[:1].expand(4, 5, 6).permute(1, 0, 2)",
    "nothing": "b[:0].permute(2, 0, 1)",
}
DRAWS = [
    "torch.rand_like(x)", "torch.randn_like(x)", "torch.rand_like(x, dtype=torch.float64)",
    "torch.randn_like(x, dtype=torch.float64)", "torch.bernoulli(x)", "torch.bernoulli(x, 0.5)",
    "F.dropout(x, 0.3)", "F.dropout(x.double(), 0.5)", "F.dropout(x.clone(), 0.5, inplace=True)",
    "F.dropout(x * 2 + torch.ones(x.shape), 0.5)", "F.dropout(torch.relu(x), 0.5)",
    "F.dropout(torch.cat([x, x], -1), 0.5)", "F.dropout(torch.softmax(x, -1), 0.5)", "torch.nn.Dropout(0.4)(x)",
    "x.clone().uniform_()", "x.clone().normal_()", "x.clone().normal_(1, 2)", "x.double().uniform_(-1, 1)",
    "x.double().normal_()", "init.uniform_(x.clone())", "init.normal_(x.clone())",
    "init.xavier_uniform_(x.clone())", "init.kaiming_normal_(x.clone())", "torch.normal(x, 1.0)",
    "torch.normal(0.0, x)", "torch.normal(x, x.contiguous())", "torch.normal(x, x[:1])",
    "torch.multinomial(x[0], 2)", "torch.multinomial(x[0], 2, True)", "torch.multinomial(x[0].t(), 1)",
]  # fmt: skip
#: in the memory of `x` itself, gaps and all
IN_PLACE = ["x.uniform_()", "x.normal_()", "F.dropout(x, 0.5, inplace=True)", "init.xavier_normal_(x)"]
#: what is computed from it; `y` lies row by row
RESULTS = [
    "x + 1", "x + y", "y + x", "x - x.contiguous()", "x * x[:1]", "x[:1] * x", "x * x[0]", "x / y", "x > y",
    "(x > 0.5) & (y > 0.5)", "torch.maximum(x, y)", "torch.where(x > 0.5, y, x)", "torch.where(y > 0.5, x, y)",
    "x.masked_fill(x > 0.5, 0)", "x.exp()", "-x", "x.clamp(0, 1)", "x.double()", "x.long()", "x.clone()",
    "x.contiguous()", "torch.zeros_like(x)", "torch.ones_like(x)", "torch.full_like(x, 2.0)", "torch.empty_like(x)",
    "torch.zeros_like(x, dtype=torch.float64)", "torch.softmax(x, 0)", "torch.log_softmax(x, 1)", "x.sum(0)",
    "x.mean(1, keepdim=True)", "x.amax(0)", "x.cumsum(0)", "x.flip(0)", "x.roll(1, 0)", "torch.cat([x, x], 1)",
    "torch.stack([x, x], 2)", "x.repeat(1, 2, 1)", "x.reshape(-1)", "x[[0, 1]]", "x[:, [0, 1]]", "x[:, :, [0, 1]]",
    "x[:, [0, 1], [1, 2]]", "x[[0, 1], :, [1, 2]]", "x[:, x[0, :, 0] > 0.5]",
    "x.index_select(1, torch.tensor([0, 1]))", "torch.tensor(x.numpy())", "x.new_tensor(x.numpy())",
    "F.mse_loss(x, y, reduction='none')", "x.matmul(x.transpose(1, 2))", "x.unbind(1)[0]", "x.split(2, 1)[0]",
    "copy.deepcopy(x.clone())",
]  # fmt: skip


def made(module: Any, layout: str, expression: str) -> Any:
    """What an expression in torch's names gives, and the next random number."""
    import copy

    module.manual_seed(3)
    names: dict[str, Any] = {"torch": module, "F": module.nn.functional, "init": module.nn.init, "copy": copy}
    names["b"] = module.rand(4, 5, 6)
    names["x"] = eval(LAYOUTS[layout], names)
    names["y"] = module.rand(names["x"].shape)
    module.manual_seed(5)
    result = eval(expression, names)
    return result, module.rand(1).item()


def steps(tensor: Any) -> list[int]:
    """Strides where they mean something."""
    return [s for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1] if tensor.numel() else []


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("expression", DRAWS + IN_PLACE)
def test_draws(expression: str, layout: str) -> None:
    if expression in IN_PLACE and layout.startswith("expanded"):
        pytest.skip("refused: several elements in one place")
    if layout == "nothing" and "[0]" in expression:
        pytest.skip("no row")
    (theirs, their_next), (ours, our_next) = (made(module, layout, expression) for module in (torch, numbarnn))
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)
    assert steps(ours) == steps(theirs)
    assert our_next == their_next


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "nothing"])
@pytest.mark.parametrize("expression", RESULTS)
def test_results(expression: str, layout: str) -> None:
    if layout == "few":
        expression = expression.replace("[1, 2]", "[1, 0]")
    theirs, ours = (made(module, layout, expression)[0] for module in (torch, numbarnn))
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert steps(ours) == steps(theirs)
    assert ours.is_contiguous() == theirs.is_contiguous()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("then", ["o", "o + torch.ones(o.shape)", "torch.relu(o)", "torch.cat([o, o], -1)", "o[:, -1]"])
def test_dropout_after_a_layer(then: str, batch_first: bool, bidirectional: bool, packed: bool) -> None:
    def run(module: Any) -> Any:
        module.manual_seed(0)
        rnn = module.nn.RNN(3, 4, num_layers=2, batch_first=batch_first, dropout=0.3, bidirectional=bidirectional)
        x = module.randn(5, 6, 3)
        utils = module.nn.utils.rnn
        if packed:
            lengths = [6, 5, 4, 3, 2] if batch_first else [5, 4, 3, 3, 2, 1]
            x = utils.pack_padded_sequence(x, module.tensor(lengths), batch_first=batch_first)
        output, _ = rnn(x)
        if packed:
            output, _ = utils.pad_packed_sequence(output, batch_first=batch_first)
        return module.nn.functional.dropout(eval(then, {"torch": module, "o": output}), 0.5).detach().numpy()

    np.testing.assert_allclose(run(numbarnn), run(torch), rtol=1e-5, atol=1e-6)
