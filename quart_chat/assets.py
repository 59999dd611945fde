"""Where the templates and static files are, in a checkout and in an installed wheel alike."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).parent

IMPORT = re.compile(r'^import .*?"\./([a-z-]+\.js)";', re.MULTILINE)


def folder(name: str) -> Path:
    """`templates` or `static`: inside the package when installed from a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


@lru_cache
def fingerprint(root: Path) -> str:
    """A short hash of every file below `root`: the address of static files changes when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def modules(folder: Path, name: str) -> list[str]:
    """The names of a script and of all it imports, and what these import, from this folder: what a browser would find
    out one by one, each a round trip after the other."""
    found = [name]
    for module in found:
        found += [each for each in IMPORT.findall((folder / module).read_text("utf-8")) if each not in found]
    return found
