"""Check that a tag can be released: `release.py TAG`."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def faults(tag: str, root: Path) -> list[str]:
    """What keeps the checkout `root` from being released as `tag`."""
    text = (root / "src/lamina/__init__.py").read_text(encoding="utf8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf8")
    placeholders = [a for a in project["project"]["urls"].values() if ".example" in a]
    checks = {
        f"the tag {tag} is not v{version}": tag != f"v{version}",
        f"CHANGELOG.md has no section [{version}]": f"\n## [{version}]"
        not in changelog,
        f"there are no golden files of {version}": not (
            root / "tests" / "golden" / version
        ).is_dir(),
        f"these addresses belong to nobody: {placeholders}": bool(placeholders),
    }
    return [fault for fault, applies in checks.items() if applies]


if __name__ == "__main__":
    sys.exit("\n".join(faults(sys.argv[1], ROOT)) or 0)
