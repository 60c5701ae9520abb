"""All rows of the net."""

import table_elementwise
import table_reductions
import table_shaping

ROWS = [*table_elementwise.ROWS, *table_reductions.ROWS, *table_shaping.ROWS]
