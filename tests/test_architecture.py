"""The layers of the program, read from its imports: they go left only."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from quart_chat import assets
from quart_chat.events import ACT_NAMES
from tests.rows import Rows

PACKAGE = assets.PACKAGE
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    {
        "models", "events", "signals", "errors", "config", "text", "sites", "compression", "assets", "secret", "asgi",
        "hosts",
    },
    {"identity", "store", "broker"},
    {"domain"},
    {"streaming", "takeover", "work"},
    {"http", "view"},
    {"web", "api", "diagnose"},
    {"app"},
    {"arrivals", "memory"},
    {"server"},
    {"cli"},
    {"__init__", "__main__"},
]  # fmt: skip
"""From left to right. Modules of one layer may import each other, except as `APART` says."""

APART = {
    "identity": {"store", "broker"},
    "store": {"identity", "broker"},
    "broker": {"identity", "store"},
    "http": {"store"},
    "view": {"store", "http"},
    "web": {"api", "store"},
    "api": {"web", "store"},
    "diagnose": {"web", "api", "store"},
}

OWNERS = {
    "aiosqlite": {"store/sqlite.py"},
    "fcntl": {"store/file.py"},
    "hypercorn": {"server.py", "takeover/hypercorn.py"},
    "idna": {"hosts.py"},
    "pydantic": {"config.py"},
    "pydantic_settings": {"config.py"},
    "click": {f"cli/{name}.py" for name in ("__init__", "beside", "fetch_htmx", "backup", "embed_keys", "moderation")},
    "jwt": {"identity/site_tokens.py"},
    "cryptography": {"domain/embed_keys.py", "identity/site_tokens.py"},
    "confusable_homoglyphs": {"identity/lookalikes.py"},
    "jinja2": {"view/templates.py"},
    "segno": {"web/share.py"},
}
"""Libraries, and the modules where they stop."""

CONNECTIONS = {
    "store/sqlite.py", "store/guard.py", "store/others.py", "store/history.py", "store/copies.py",
    "store/migrations/__init__.py",
}  # fmt: skip
"""Modules of the store that work with whole files; the others have statements."""

GLOBALS = {"request", "g", "session", "current_app", "websocket", "has_request_context"}
"""Quart's context variables."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """The layer's folder or module: `web` for `web/rooms.py`, `app` for `app.py`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rank(part: str) -> int:
    found = [index for index, layer in enumerate(LAYERS) if part in layer]
    assert found, f"quart_chat.{part} is in no layer: give it a place in LAYERS and in the design"
    return found[0]


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Each imported module with the name taken from it; an empty name where the module itself is imported."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are absolute"
            for alias in node.names:
                yield node.module or "", alias.name


def own_imports(path: Path) -> Iterator[str]:
    """The layers that a module imports from."""
    for module, name in imports(path):
        if module == "quart_chat":
            yield name if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file() else "__init__"
        elif module.startswith("quart_chat."):
            yield module.split(".")[1]


def attributes(path: Path) -> set[str]:
    """Everything written as `module.name`."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_commands_start_without_what_only_some_need() -> None:
    """Quart and all that it brings are half a second of work, for a word of help as for anything."""
    heavy = ["quart", "werkzeug", "hypercorn", "h11", "jinja2"]
    code = f"import sys, quart_chat.cli; print(*[name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "\n"


def test_module_imports_go_left(rows: Rows) -> None:
    for path in MODULES:
        with rows.row(path):
            part = part_of(path)
            for imported in own_imports(path):
                assert rank(imported) <= rank(part), f"{name_of(path)} imports {imported}, which is to its right"
                assert imported not in APART.get(part, ()), f"{name_of(path)} imports {imported}: they are kept apart"


def test_library_stops_at_its_module(rows: Rows) -> None:
    for path in MODULES:
        with rows.row(path):
            for module, _ in imports(path):
                owners = OWNERS.get(module.split(".")[0])
                assert owners is None or name_of(path) in owners, f"{name_of(path)} imports {module}"


def test_sql_stays_in_the_store(rows: Rows) -> None:
    for path in MODULES:
        with rows.row(path):
            used = {name for name in attributes(path) if name.startswith("sqlite3.")}
            used |= {f"sqlite3.{name}" for module, name in imports(path) if module == "sqlite3" and name}
            if part_of(path) != "store":
                assert not any(module == "sqlite3" for module, _ in imports(path))
            elif name_of(path) not in CONNECTIONS:
                assert not used, "other modules of the store see rows, not connections"


def test_one_module_knows_which_database_it_is() -> None:
    """Everybody else has the Protocols of `store/database.py`: another adapter changes nothing for them."""
    found = {name_of(path) for path in MODULES for module, _ in imports(path) if module == "quart_chat.store.sqlite"}
    assert found == {"app.py"}


def test_quart_globals_stay_in_context(rows: Rows) -> None:
    for path in MODULES:
        with rows.row(path):
            if name_of(path) != "http/context.py":
                assert not {name for module, name in imports(path) if module.split(".")[0] == "quart"} & GLOBALS
                assert not {name for name in attributes(path) if name.startswith("quart.")} & {
                    f"quart.{n}" for n in GLOBALS
                }


def test_environment_is_read_in_config_alone(rows: Rows) -> None:
    for path in MODULES:
        with rows.row(path):
            if name_of(path) != "config.py":
                assert not attributes(path) & {"os.environ", "os.getenv", "os.environb", "os.putenv"}
                assert not {name for module, name in imports(path) if module == "os"} & {"environ", "getenv"}


def test_rules_know_no_http(rows: Rows) -> None:
    for part in ["domain", "store", "broker"]:
        with rows.row(part):
            for path in (PACKAGE / part).rglob("*.py"):
                libraries = {module.split(".")[0] for module, _ in imports(path)}
                assert not libraries & {"quart", "werkzeug", "hypercorn", "markupsafe"}, name_of(path)


def test_event_has_a_template(rows: Rows) -> None:
    for event in ACT_NAMES:
        with rows.row(event):
            assert (assets.folder("templates") / "events" / f"{ACT_NAMES[event]}.html").is_file()


def test_template_shows_an_event() -> None:
    found = {path.stem for path in (assets.folder("templates") / "events").glob("*.html")}
    assert found == set(ACT_NAMES.values())


DOCUMENT = assets.folder("docs") / "architecture.md"

HOP = re.compile(r" [1-6] ([a-z_/-]+\.(?:py|js))(?: ([a-z_]+))? ")


def root_of(name: str) -> Path:
    return PACKAGE / name if (PACKAGE / name).is_file() else PACKAGE.parent / name


def test_each_hop_of_a_message_leads_to_the_next() -> None:
    """By an import, or by a word beside the function."""
    hops = HOP.findall(DOCUMENT.read_text("utf-8").partition("## Names")[0])
    assert len(hops) == 6
    for (file, function), (after, _) in pairwise(hops):
        text = root_of(file).read_text("utf-8")
        assert re.search(rf"def {function}\(", text), f"{file} has no {function}"
        folder, _, name = after.removesuffix(".py").rpartition("/")
        imported = re.search(rf"from quart_chat\.{folder.replace('/', '.')} import .*\b{name}\b", text)
        assert imported or after in text, f"{file} does not say that {after} is next"


def test_files_that_the_architecture_names_are_there() -> None:
    named = set(re.findall(r"`([a-z_/-]*[a-z_-]+\.(?:py|js|html|css|sql))(?: \w+)?`", DOCUMENT.read_text("utf-8")))
    roots = PACKAGE, *(PACKAGE.parent / name for name in ("static", "templates", "tests", "bench", "scripts"))
    files = [path.as_posix() for root in roots for path in root.rglob("*.*")]
    assert [name for name in sorted(named) if not any(file.endswith(f"/{name}") for file in files)] == []
    assert len(named) > 100
