"""The loop over time, forward and backward, for any cell.

    row_t = (x_t W_ih^T + b) in the gates inputs : G, plus h_{t-1} W_hh^T in the gates 0 : recurrent
    h_t = cell.forward(row_t, h_{t-1})

T steps, B sequences, I inputs, H hidden units, G gates, L layers, D directions, R rows: the sum of all lengths; S
states: h, and c if the cell has one.

Sequences are ordered by falling length, so that those still running at step t are the first ones.  The rows of all
steps lie one after the other: those of step t are offsets[t] : offsets[t + 1].  Equal lengths are the case
offsets[t] = t B, and then (R, F) rows are a (T, B, F) array.  x is (R, I) in that order, or (B T, I), all steps of
each sequence together, if `by_sequence`.  The output of a layer is (R, D H): direction d has H columns from d H on.

Read passes.py (what travels together), plan.py (who runs it), by_sequence.py (the loop itself), gradients.py.
"""
