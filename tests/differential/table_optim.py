"""Rows of the net: optimizers and their schedules."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from recipes import ABSENT, Make, T
from rows import Row, call, named, row


def _loss(t: Any, parameters: list[Any], step: int) -> Any:
    return sum((p * float(np.cos(step + k)) + p * p * 0.3).sum() for k, p in enumerate(parameters))


def steps(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Three steps, the state after them, the same optimizer from its state, and two steps of that."""
    optimizer = call(t, path, args, keywords)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for step in range(3):
        optimizer.zero_grad()
        _loss(t, parameters, step).backward()
        optimizer.step()
    seen = [p.detach().clone() for p in parameters]
    state = copy.deepcopy(optimizer.state_dict())
    other = call(t, path, args, {**keywords})
    other.load_state_dict(copy.deepcopy(state))
    for step in range(2):
        other.zero_grad(set_to_none=False)
        _loss(t, parameters, step).backward()
        other.step()
    return (
        seen,
        parameters,
        state,
        repr(optimizer),
        [p.grad.contiguous() if p.grad is not None else None for p in parameters],
    )


def _groups(*lists: Any) -> Make:
    return Make(
        f"groups{lists}", lambda t: [{"params": [x.build(t) for x in each], **options} for each, options in lists]
    )


W, V = T((2, 3)), T((4,))
PARAMS = [[W, V], [T((2, 3), "float64")], [T((2, 3), layout="transposed")], [T((0,))], [T(())], [], W, None, [1.0],
     [T(grad="")], [T(grad="history")], [W, T((3,), "float64")],
          _groups(([W], {}), ([V], {"lr": 0.1})), _groups(([W], {"weight_decay": 0.1})), _groups(([W],
               {"lr": -1.0}))]  # fmt: skip
LR = [
    ABSENT,
    0.1,
    0.0,
    -0.1,
    1,
    "x",
    None,
    float("nan"),
    T((), grad="", values=(0.1,)),
    T((1,), grad="", values=(0.1,)),
    T((2,), grad=""),
    1e-300,
]
DECAY = [ABSENT, 0.0, 0.1, -0.1, "x"]
EPS = [ABSENT, 1e-8, 0.1, 0.0, -1.0, "x"]
COMMON = {
    "maximize": named(ABSENT, False, True),
    "foreach": named(ABSENT, None, False, True),
    "differentiable": named(ABSENT, False),
}
BETAS = [ABSENT, (0.9, 0.999), (0.5, 0.5), (0.0, 0.0), (1.0, 0.9), (-0.1, 0.9), (0.9,), 0.9, "x", (0.9, 0.99, 0.999)]

ROWS: list[Row] = [
    *row("optim.SGD", run=steps, cost=3, params=PARAMS, lr=LR, momentum=[ABSENT, 0, 0.9, -0.1, "x"], dampening=[ABSENT,
         0, 0.5], weight_decay=DECAY, nesterov=[ABSENT, False, True], fused=named(ABSENT, None, False), **COMMON),
    *row("optim.Adam", "optim.AdamW", run=steps, cost=3, params=PARAMS, lr=LR, betas=BETAS, eps=EPS, weight_decay=DECAY,
         amsgrad=[ABSENT, False, True], fused=named(ABSENT, None, False), capturable=named(ABSENT, False), **COMMON),
    *row("optim.Adam", run=steps, cost=3, params=PARAMS[:2], lr=[0.1], decoupled_weight_decay=named(ABSENT, False,
         True), weight_decay=named(0.1)),
    *row("optim.RMSprop", run=steps, cost=3, params=PARAMS, lr=LR, alpha=[ABSENT, 0.99, 0.5, -0.1, "x"], eps=EPS,
         weight_decay=DECAY, momentum=[ABSENT, 0, 0.9, -0.1], centered=[ABSENT, False, True], capturable=named(ABSENT,
         False), **COMMON),
]  # fmt: skip


def _optimizer(t: Any, lr: Any) -> Any:
    parameters = [t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.ones(3))]
    lr = t.tensor(lr) if lr == 0.25 else lr
    return t.optim.SGD([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.5}], lr=lr, momentum=0.9)


def _advance(scheduler: Any, optimizer: Any, metric: Any) -> None:
    optimizer.step()
    if metric is None:
        scheduler.step()
    else:
        scheduler.step(metric)


def schedule(t: Any, path: str, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Learning rates over twelve epochs, the state in the middle, and how a new one goes on from it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        plateau = path.endswith("Plateau")
        optimizer = _optimizer(t, keywords.pop("own_lr"))
        scheduler = call(t, path, [optimizer, *args], keywords)
        metrics = [1.0, 0.9, 0.9, 0.9, 0.95, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9] if plateau else [None] * 12
        rates, state = [], None
        for epoch, metric in enumerate(metrics):
            _advance(scheduler, optimizer, metric)
            rates.append([float(group["lr"]) for group in optimizer.param_groups])
            if epoch == 5:
                state = copy.deepcopy({k: v for k, v in scheduler.state_dict().items() if k != "lr_lambdas"})
                saved = copy.deepcopy(optimizer.state_dict())
                texts = repr(optimizer)
        last = [float(rate) for rate in scheduler.get_last_lr()]
        other = _optimizer(t, 0.1)
        resumed = call(t, path, [other, *args], keywords)
        other.load_state_dict(saved)
        resumed.load_state_dict({**scheduler.state_dict(), **state})
        for metric in metrics[6:]:
            _advance(resumed, other, metric)
            rates.append([float(group["lr"]) for group in other.param_groups])
        shown = {k: v for k, v in (state or {}).items() if not k.startswith("_") or k in ("_step_count", "_last_lr")}
        return (
            rates,
            last,
            sorted(state or ()),
            {k: v for k, v in shown.items() if isinstance(v, (int, float, bool, str, list))},
            texts,
            isinstance(scheduler, t.optim.lr_scheduler.LRScheduler),
        )


def schedules(name: str, **parameters: Any) -> list[Row]:
    return row("optim.lr_scheduler." + name, run=schedule, cost=3, own_lr=named(1.0, 0.25, 0), **parameters)


LAST = [ABSENT, -1, "x"]
GAMMA = [ABSENT, 0.5, 1.0, 0.0, -0.5, "x", None]
ROWS += [
    *schedules("StepLR", step_size=[3, 1, 100, 0, 2.5, "x"], gamma=GAMMA, last_epoch=LAST),
    *schedules("MultiStepLR", milestones=[[2, 4], [4, 2], (3,), [], [2, 2], [0], "x", 3, None], gamma=GAMMA,
         last_epoch=LAST),
    *schedules("ExponentialLR", gamma=[0.9, *GAMMA[1:]], last_epoch=LAST),
    *schedules("CosineAnnealingLR", T_max=[5, 1, 100, 0, 2.5, "x"], eta_min=[ABSENT, 0.0, 0.1, 2.0], last_epoch=LAST),
    *schedules("LambdaLR", lr_lambda=[Make("lambda e: 0.9**e", lambda t: lambda e: 0.9**e), Make("[f, g]",
         lambda t: [lambda e: 0.9**e, lambda e: 1 / (1 + e)]), Make("[f]", lambda t: [lambda e: 0.9**e]), 2.0, None],
         last_epoch=LAST),
    *schedules("ReduceLROnPlateau", mode=[ABSENT, "min", "max", "x"], factor=[ABSENT, 0.5, 1.0, 0.0, 2.0], patience=[1,
         0, 10, "x"], threshold=[ABSENT, 1e-4, 0.5], threshold_mode=[ABSENT, "rel", "abs", "x"], cooldown=[ABSENT, 0,
         2], min_lr=[ABSENT, 0.0, 0.3, [0.1, 0.2], [0.1]], eps=[ABSENT, 1e-8, 0.5]),
]  # fmt: skip
