"""The forecaster, its training and its forecasts: what one would write with torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import Tensor, from_numpy, manual_seed, nn, no_grad, optim, randperm
from ..autograd.tape import Array
from .sunspots import CYCLE, HORIZON, WINDOW, examples, scaled

BATCH = 32
HIDDEN = 16


class Forecaster(nn.Module):
    """After each year of a window (B, T, 1), the HORIZON years that follow: (B, T, HORIZON)."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(1, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, HORIZON)

    def forward(self, window: Tensor) -> Tensor:
        output, _ = self.rnn(window)
        predictions: Tensor = self.head(output)
        return predictions


def train(numbers: Array, epochs: int, seed: int, on_epoch: Callable[[int, float], None]) -> Forecaster:
    """A forecaster trained on `numbers` alone; `on_epoch(epoch, loss)` is called after each epoch."""
    manual_seed(seed)
    model = Forecaster()
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=max(1, epochs // 3), gamma=0.5)
    inputs, targets = (from_numpy(array) for array in examples(numbers))
    for epoch in range(epochs):
        total = 0.0
        for batch in randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            predictions = model(inputs[batch])
            # The state means little before it has seen one cycle.
            loss = criterion(predictions[:, CYCLE:], targets[batch][:, CYCLE:])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            total += loss.item() * len(batch)
        scheduler.step()
        on_epoch(epoch + 1, total / len(inputs))
    return model


def forecast(model: Forecaster, past: Array) -> Array:
    """The HORIZON years after each of the windows `past` (B, WINDOW): (B, HORIZON)."""
    inputs, mean = scaled(past[:, -WINDOW:])
    model.eval()
    with no_grad():
        predictions: Array = model(from_numpy(inputs[..., None]))[:, -1].numpy()
    numbers: Array = np.maximum((predictions + 1) * mean, 0)
    return numbers
