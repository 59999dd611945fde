"""`quart-chat fetch-htmx`: the copy of htmx for networks in which the CDN is blocked.

It is fetched at set-up, checked against the hashes that browsers check, and never committed.
"""

import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import click

from quart_chat import assets
from quart_chat.view import htmx

TIMEOUT = 10
"""Seconds that the CDN, and then npm, may take to answer."""


@click.command()
def fetch_htmx() -> None:
    """Fetch the local copy of htmx that serves networks in which the CDN is blocked."""
    folder = assets.folder("static") / "vendor"
    if htmx.is_complete(folder):
        return
    try:
        source = _fetch(folder)
    except (FetchError, OSError) as error:
        click.echo(f"htmx {htmx.VERSION} could not be fetched ({error}).", err=True)
        click.echo("Pages will load it from the CDN alone. Run `quart-chat fetch-htmx` again later.", err=True)
        return
    click.echo(f"Fetched htmx {htmx.VERSION} from {source} into {folder}.")


class FetchError(Exception):
    """Neither the CDN nor npm delivered the expected files; the message says what each answered."""


def _fetch(folder: Path) -> str:
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
        if wrong := [script.name for script in htmx.SCRIPTS if not script.accepts(contents[script.path])]:
            problems.append(f"{source}: {', '.join(wrong)} does not have the expected hash")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for script in htmx.SCRIPTS:
            (folder / script.name).write_bytes(contents[script.path])
        return source
    raise FetchError("; ".join(problems))


def _from_cdn() -> dict[str, bytes]:
    contents = {}
    for script in htmx.SCRIPTS:
        with urllib.request.urlopen(script.url, timeout=TIMEOUT) as answer:  # noqa: S310  # https, from above
            contents[script.path] = answer.read()
    return contents


def _from_npm() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", htmx.PACKAGE, "--silent", "--pack-destination", folder]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=6 * TIMEOUT)
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as package:
            return {script.path: _member(package, f"package/{script.path}") for script in htmx.SCRIPTS}


def _member(package: tarfile.TarFile, path: str) -> bytes:
    file = package.extractfile(path)
    if file is None:
        raise FileNotFoundError(f"{path} is not in the package")
    return file.read()
