"""htmx, from a CDN: which files of which version, and their Subresource Integrity hashes.

A copy beside the other static files serves networks in which the CDN is blocked. It is fetched at set-up, checked
against the same hashes, and never committed.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

VERSION = "4.0.1"
CDN = "https://cdn.jsdelivr.net"
PACKAGE = f"htmx.org@{VERSION}"
TIMEOUT = 10
"""Seconds that the CDN, and then npm, may take to answer."""


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


class FetchError(Exception):
    """Neither the CDN nor npm delivered the expected files; the message says what each answered."""


def is_complete(folder: Path) -> bool:
    return all((folder / s.name).is_file() and s.accepts((folder / s.name).read_bytes()) for s in SCRIPTS)


def fetch(folder: Path) -> str:
    """Put the files into `folder`; returns where they came from.

    Raises FetchError; `folder` is then as it was.
    """
    problems = []
    for source, load in (("the CDN", _from_cdn), ("npm", _from_npm)):
        try:
            contents = load()
        except Exception as error:  # whatever it is, the next source may do better
            problems.append(f"{source}: {error}")
            continue
        if wrong := [script.name for script in SCRIPTS if not script.accepts(contents[script.path])]:
            problems.append(f"{source}: {', '.join(wrong)} does not have the expected hash")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for script in SCRIPTS:
            (folder / script.name).write_bytes(contents[script.path])
        return source
    raise FetchError("; ".join(problems))


def _from_cdn() -> dict[str, bytes]:
    contents = {}
    for script in SCRIPTS:
        with urllib.request.urlopen(script.url, timeout=TIMEOUT) as answer:  # noqa: S310  # https, from above
            contents[script.path] = answer.read()
    return contents


def _from_npm() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=6 * TIMEOUT)
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as package:
            return {script.path: _member(package, f"package/{script.path}") for script in SCRIPTS}


def _member(package: tarfile.TarFile, path: str) -> bytes:
    file = package.extractfile(path)
    if file is None:
        raise FileNotFoundError(f"{path} is not in the package")
    return file.read()
