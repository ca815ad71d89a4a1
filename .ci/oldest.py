"""Print the lower bound of every run-time dependency as a constraint."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"

for requirement in tomllib.loads(PROJECT.read_text())["project"]["dependencies"]:
    print(requirement.replace(">=", "=="))
