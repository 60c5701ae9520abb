"""The loop over time, forward and backward, for any cell.

    row_t = b, plus x_t W_ih^T in the gates inputs : G, plus h_{t-1} W_hh^T in the gates 0 : recurrent
    gates_t, h_t = cell.forward(row_t, h_{t-1})

T steps, B sequences, I inputs, H hidden units, G gates of H columns, L layers, D directions, R rows: the sum of all
lengths; S states: 1 for h, 2 for h and c.

Sequences are ordered by falling length, so that those still running at step t are the first ones.  The rows of all
steps lie one after the other: those of step t are offsets[t] : offsets[t + 1].  With equal lengths offsets[t] = t B,
and (R, F) rows are a (T, B, F) array.  x is (R, I) in that order; with the flag `batch_major` it is (B T, I), all steps
of a sequence together.  The output of a layer is (R, D H): columns d H : (d + 1) H are those of direction d.

Read cells/passes.py (the arguments of a pass), plan.py (how a pass runs), by_sequence.py (the loop itself) and
gradients.py.
"""
