"""Where the templates and static files are, in a checkout and in an installed wheel alike."""

import hashlib
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """`templates` or `static`: inside the package when installed from a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


@lru_cache
def fingerprint(root: Path) -> str:
    """A short hash of every file below `root`, and of how they are put together: the address of static files changes
    when any of that does."""
    digest = hashlib.sha256((PACKAGE / "view" / "bundles.py").read_bytes())
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
