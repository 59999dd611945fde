"""The wheel has everything inside: installed into an empty environment, in an empty folder, it serves."""

import re
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.people import Fragment, Person
from tests.serving import Server, run

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
async def wheel(tmp_path: Path) -> Path:
    """Built by the back end itself: the front ends would fetch it anew."""
    built = await run(CHECKOUT, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist"))
    assert built.code == 0, built.err
    return next((tmp_path / "dist").glob("*.whl"))


@pytest.fixture
async def quart_chat(wheel: Path, tmp_path: Path) -> Path:
    """The command, installed from the wheel. What it depends on is that of the tests, so that nothing is fetched."""
    environment = tmp_path / "environment"
    made = await run(tmp_path, sys.executable, "-m", "venv", "--without-pip", environment)
    assert made.code == 0, made.err
    python = environment / "bin" / "python"
    installed = await run(
        tmp_path, sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel
    )
    assert installed.code == 0, installed.err
    packages = next(environment.glob("lib/python3*/site-packages"))
    # Read after the environment's own packages; a .pth file in there, of an editable quart-chat, is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    found = await run(tmp_path, python, "-c", "import quart_chat; print(quart_chat.__file__)")
    assert found.out.startswith(str(packages)), found
    return environment / "bin" / "quart-chat"


async def test_wheel_holds_what_the_program_reads_and_nothing_fetched(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    missing = expected_in_wheel() - inside
    assert not missing
    assert not [name for name in inside if "/vendor/" in name]
    assert not [name for name in inside if not name.startswith(("quart_chat/", "quart_chat-"))]


async def test_installed_wheel_serves_in_an_empty_folder(quart_chat: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    server = Server(folder, command=(quart_chat,))
    await server.start()
    try:
        async with Person("Alice", server.url) as alice, Person("Bob", server.url) as bob:
            await alice.post_message("from the wheel")
            page = await bob.client.get("/rooms/lobby")
            assert Fragment(page.text).text == "from the wheel"
            await each_file_is_served(page.text, bob.client)
    finally:
        assert await server.stop() == 0
    assert "htmx is not here" in server.log
    refused = await run(folder, quart_chat, "serve", "--bind", "127.0.0.1:0", cdn="off")
    assert refused.code != 0
    assert "quart-chat fetch-htmx" in refused.err, "the wheel has no copy of its own"
    assert {path.name for path in folder.iterdir()} >= {"quart_chat.db", "quart_chat.db.secret"}


def expected_in_wheel() -> set[str]:
    folders = [CHECKOUT / "templates", CHECKOUT / "static" / "css", CHECKOUT / "static" / "js"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [CHECKOUT / "hypercorn.toml", CHECKOUT / "static" / "embed.js", CHECKOUT / "static" / "icon.svg"]
    modules = [path for path in (CHECKOUT / "quart_chat").rglob("*") if path.suffix in (".py", ".sql", ".typed")]
    return {f"quart_chat/{path.relative_to(CHECKOUT)}" for path in files} | {
        str(path.relative_to(CHECKOUT)) for path in modules
    }


async def each_file_is_served(page: str, client: httpx.AsyncClient) -> None:
    """Those the page names itself; the local copy of htmx is fetched at set-up, and not in a wheel."""
    addresses = {
        address for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page) if "/vendor/" not in address
    }
    assert {Path(address).suffix for address in addresses} == {".js", ".svg"}
    for address in addresses:
        answer = await client.get(address)
        assert (answer.status_code, bool(answer.content)) == (200, True), address
