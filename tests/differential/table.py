"""All rows of the net."""

import table_creation
import table_elementwise
import table_module
import table_nn
import table_optim
import table_reductions
import table_shaping

TABLES = (table_creation, table_elementwise, table_reductions, table_shaping, table_nn, table_module, table_optim)
ROWS = [row for table in TABLES for row in table.ROWS]
