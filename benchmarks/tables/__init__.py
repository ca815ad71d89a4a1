"""Tables: default estimators beside gradient boosting, forests, linear models, networks.

`sets.py` has the list of tables and says which half is for choosing and which is final.
"""


def main(arguments: list[str]) -> None:
    # A cell imports this package too, and only what it needs.
    from benchmarks.tables import command

    command.main(arguments)
