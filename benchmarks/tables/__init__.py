"""Tables: default estimators beside gradient boosting, forests, linear models, networks.

`sets.py` has the list of tables and says which half is for choosing and which is final.
"""

from benchmarks.tables.command import main

__all__ = ["main"]
