"""htmx, from a CDN: which files of which version, and their Subresource Integrity hashes.

A copy beside the other static files serves networks in which the CDN is blocked (`cli/fetch_htmx.py`).
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

VERSION = "4.0.1"
CDN = "https://cdn.jsdelivr.net"
PACKAGE = f"htmx.org@{VERSION}"


@dataclass(frozen=True, slots=True)
class Script:
    """A file of the npm package, by its path in there, and the hash that browsers check."""

    path: str
    integrity: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def url(self) -> str:
        return f"{CDN}/npm/{PACKAGE}/{self.path}"

    def accepts(self, content: bytes) -> bool:
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        return self.integrity == f"sha384-{digest}"


SCRIPTS = (
    Script("dist/htmx.min.js", "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"),
    Script("dist/ext/hx-sse.min.js", "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV"),
    Script("dist/ext/hx-upsert.min.js", "sha384-RokoL54Uf58UQMawJe+4j+PvdsTh8FIhlRexOKFKzNSMfDVoMj1ibUt8t9cGkKYd"),
)
"""In the order in which they must run."""


def is_complete(folder: Path) -> bool:
    return all((folder / s.name).is_file() and s.accepts((folder / s.name).read_bytes()) for s in SCRIPTS)
