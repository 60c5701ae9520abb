"""The oracle: every kernel's computation as plain NumPy loops, straight from the equations."""

from __future__ import annotations

import numpy as np


def activation(name):
    return {"tanh": np.tanh, "relu": lambda a: np.where(a < 0, 0, a), "identity": lambda a: a}[name]


def activation_gradient(name, h):
    """f'(a) as a function of h = f(a)."""
    return 1 - h * h if name == "tanh" else np.where(h > 0, 1.0, 0.0)


def linear_forward(x, weight, bias):
    """y = x W^T + b."""
    return x @ weight.T + bias


def linear_backward(d_y, x, weight):
    """d_x, d_weight, d_bias of y = x W^T + b, x (R, I)."""
    return d_y @ weight, d_y.T @ x, d_y.sum(axis=0)


def rnn_direction(x, lengths, h_0, weight_ih, weight_hh, bias, nonlinearity, reverse):
    """output (T, B, H), 0 beyond each length, and h_n (B, H) of one direction; x is (T, B, I)."""
    T, B, _ = x.shape
    f = activation(nonlinearity)
    output, h_n = np.zeros((T, B, len(weight_hh)), x.dtype), h_0.copy()
    for b in range(B):
        h = h_0[b]
        steps = range(lengths[b])
        for t in reversed(steps) if reverse else steps:
            h = f(weight_ih @ x[t, b] + bias + weight_hh @ h)
            output[t, b] = h
        h_n[b] = h
    return output, h_n


def rnn_direction_backward(x, lengths, h_0, weight_ih, weight_hh, bias, nonlinearity, reverse, output, d_output, d_h_n):
    """Gradients of rnn_direction: d_x, d_h_0, d_weight_ih, d_weight_hh, d_bias."""
    d_x, d_h_0 = np.zeros_like(x), d_h_n.copy()
    d_weight_ih, d_weight_hh, d_bias = np.zeros_like(weight_ih), np.zeros_like(weight_hh), np.zeros_like(bias)
    for b in range(x.shape[1]):
        d_h = d_h_n[b]
        steps = list(range(lengths[b]))
        if reverse:
            steps.reverse()
        for number in reversed(range(len(steps))):
            t = steps[number]
            before = output[steps[number - 1], b] if number > 0 else h_0[b]
            d_pre = (d_output[t, b] + d_h) * activation_gradient(nonlinearity, output[t, b])
            d_weight_ih += np.outer(d_pre, x[t, b])
            d_weight_hh += np.outer(d_pre, before)
            d_bias += d_pre
            d_x[t, b] = weight_ih.T @ d_pre
            d_h = weight_hh.T @ d_pre
        d_h_0[b] = d_h
    return d_x, d_h_0, d_weight_ih, d_weight_hh, d_bias


def rnn(x, h_0, layers, nonlinearity="tanh", lengths=None, masks=None):
    """A stack: x (T, B, I), h_0 (L D, B, H), layers a list of lists (one a direction) of (w_ih, w_hh, b_ih, b_hh).

    masks: what dropout multiplies the output of each layer but the last by.  Returns output, h_n and all outputs.
    """
    T, B, _ = x.shape
    lengths = [T] * B if lengths is None else lengths
    h_n, outputs, i = [], [], 0
    for number, directions in enumerate(layers):
        parts = []
        for d, (w_ih, w_hh, b_ih, b_hh) in enumerate(directions):
            part, last = rnn_direction(x, lengths, h_0[i], w_ih, w_hh, b_ih + b_hh, nonlinearity, d == 1)
            parts.append(part)
            h_n.append(last)
            i += 1
        outputs.append(np.concatenate(parts, axis=-1))
        x = outputs[-1] * masks[number] if masks and number < len(layers) - 1 else outputs[-1]
    return outputs[-1], np.stack(h_n), outputs


def rnn_backward(x, h_0, layers, d_output, d_h_n, nonlinearity="tanh", lengths=None, masks=None):
    """d_x, d_h_0 and for each layer and direction (d_w_ih, d_w_hh, d_b_ih, d_b_hh)."""
    T, B, _ = x.shape
    lengths = [T] * B if lengths is None else lengths
    outputs = rnn(x, h_0, layers, nonlinearity, lengths, masks)[2]
    d_h_0, gradients = np.zeros_like(h_0), [[] for _ in layers]
    for number in reversed(range(len(layers))):
        below = x if number == 0 else outputs[number - 1] * (masks[number - 1] if masks else 1)
        H, d_below = h_0.shape[-1], np.zeros_like(below)
        for d, (w_ih, w_hh, b_ih, b_hh) in enumerate(layers[number]):
            i, columns = number * len(layers[number]) + d, slice(d * H, (d + 1) * H)
            d_x, d_h_0[i], d_w_ih, d_w_hh, d_b = rnn_direction_backward(
                below, lengths, h_0[i], w_ih, w_hh, b_ih + b_hh, nonlinearity, d == 1,
                outputs[number][..., columns], d_output[..., columns], d_h_n[i],
            )  # fmt: skip
            d_below += d_x
            gradients[number].append((d_w_ih, d_w_hh, d_b, d_b))
        if number > 0 and masks:
            d_below = d_below * masks[number - 1]
        d_output = d_below
    return d_output, d_h_0, gradients
