"""The forecaster, its training and its forecasts: written as one would with torch, but for the imports."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import numbarnn as torch
from numbarnn import nn, optim

from ..tape import Array
from .sunspots import CYCLE, HORIZON, WINDOW, examples, scaled

BATCH = 32
HIDDEN = 16


class Forecaster(nn.Module):
    """After each year of a window (B, T, 1), the HORIZON years that follow: (B, T, HORIZON)."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(1, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, HORIZON)

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        output, _ = self.rnn(window)
        predictions: torch.Tensor = self.head(output)
        return predictions


def train(numbers: Array, epochs: int, seed: int, on_epoch: Callable[[int, float], None]) -> Forecaster:
    """A forecaster trained on `numbers` alone; `on_epoch(epoch, loss)` is called after each epoch."""
    torch.manual_seed(seed)
    model = Forecaster()
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=max(1, epochs // 3), gamma=0.5)
    inputs, targets = (torch.from_numpy(array) for array in examples(numbers))
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(inputs)).split(BATCH):
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
    with torch.no_grad():
        predictions: Array = model(torch.from_numpy(inputs[..., None]))[:, -1].numpy()
    numbers: Array = np.maximum((predictions + 1) * mean, 0)
    return numbers
