"""The scripts and styles of a page, each in one file, put together at start from the files that people edit.

A module becomes a function that runs once and returns what it exports, in the order in which a browser would run them:
names need not be unique beyond their own file. Comments stay behind. A source map leads errors back to file and line.
"""

import json
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from quart_chat.view import htmx

SCRIPTS = {
    name.rpartition("/")[2]: f"{name}.js"
    for name in ("room", "embedded", "still", "share", "list/local-times", "embed-settings", "diagnose")
}
"""The modules that pages begin with, by the names under which pages ask for them."""

INLINE = "choose-htmx"
"""What stands in the page itself, because everything else would be later."""

SHEETS = ("base", "colours", "layout", "message", "composer", "status", "rooms", "embed", "print")
"""Of every page, in this order. `dark` stands in the page itself: scripts choose when it counts."""

HTMX = "htmx.js"
"""The local copy of htmx and its extensions."""

IMPORT = re.compile(r'import (?:\{ (?P<names>[^}]+) \} from )?"(?P<file>\.\.?/[a-z0-9/.-]+\.js)";(?P<rest>.*)')
EXPORT = re.compile(r"export (?P<code>(?:const|class|(?:async )?function\*?) (?P<name>\w+)\b.*)")
EXPORTS = re.compile(r"export \{ (?P<names>[\w, ]+) \};(?P<rest>.*)")
REMARK = re.compile(r"(?:^|\s+)// .*")
COMMENT = re.compile(r"/\*.*?\*/\n*", re.DOTALL)
FORBIDDEN = re.compile(r"^(?:import|export)\b|\bimport\s*\(|\bimport\.meta\b")
"""Of what modules can do, what nothing here does."""

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Unjoinable(Exception):
    """What in which file cannot be put together with the others."""


@dataclass(frozen=True, slots=True)
class _Module:
    lines: list[tuple[int, str]]
    """What there is to run, each with the number that its line has in the file, from 0."""
    exports: list[str]
    imports: list[tuple[int, str, list[str]]]
    """The line, the file, and what of it."""


def modules(folder: Path, name: str) -> list[str]:
    """A script and all it imports, and what these import, as paths below the folder: each after what it needs, as
    browsers run them. Raises Unjoinable where two need each other, and for what is not in the folder."""
    found: list[str] = []
    _visit(folder, name, found, ())
    return found


def script(folder: Path, name: str) -> tuple[str, str]:
    """A script with all that it imports, and its source map. Raises Unjoinable."""
    files = modules(folder, name)
    text: list[str] = []
    mapped: list[tuple[int, int] | None] = []
    exported: dict[str, list[str]] = {}
    for number, file in enumerate(files):
        module = _module(file, (folder / file).read_text("utf-8"))
        exported[file] = module.exports
        for line, other, names in module.imports:
            if unknown := set(names) - set(exported[other]):
                raise Unjoinable(f"{file}:{line + 1}: {other} exports no {', '.join(sorted(unknown))}")
        text.append(f"const {_variable(file)} = (() => {{")
        mapped.append(None)
        text += [line for _, line in module.lines]
        mapped += [(number, line) for line, _ in module.lines]
        text += [f"return {{ {', '.join(module.exports)} }};", "})();"]
        mapped += [None, None]
    name = posixpath.basename(name)
    text.append(f"//# sourceMappingURL={name}.map\n")
    sources = [f"{folder.name}/{file}" for file in files]
    return "\n".join(text), json.dumps(
        {"version": 3, "file": name, "sources": sources, "names": [], "mappings": _mappings(mapped)}
    )


def inline(folder: Path, name: str) -> str:
    """A script for a page to have in itself: by itself, and without what would end it there. Raises Unjoinable."""
    module = _module(name, (folder / name).read_text("utf-8"))
    text = "\n".join(("(() => {", *(line for _, line in module.lines), "})();"))
    if "</" in text or "<!--" in text or module.exports or module.imports:
        raise Unjoinable(f"{name}: it cannot stand in a page")
    return text


def sheet(folder: Path, *names: str) -> str:
    """Style sheets as one, without their comments."""
    return COMMENT.sub("", "\n".join((folder / f"{name}.css").read_text("utf-8") for name in names))


def bare(text: str) -> str:
    """A script without remarks and indentation, line for line as it was. A remark is what follows `// `, at the
    beginning of a line or after a space: in a string that would be lost, too."""
    return "\n".join(REMARK.sub("", line).strip() for line in text.split("\n"))


def copies_of_htmx(folder: Path) -> str | None:
    """The local copies as one script, in the order in which they must run; None where they are not there."""
    if not htmx.is_complete(folder):
        return None
    return ";\n".join((folder / script.name).read_text("utf-8") for script in htmx.SCRIPTS)


def files(root: Path) -> dict[str, bytes]:
    """All that is put together from the static files, by the name under which pages ask for it. Raises Unjoinable."""
    found = {"page.css": sheet(root / "css", *SHEETS)}
    for name, file in SCRIPTS.items():
        found[f"{name}.js"], found[f"{name}.js.map"] = script(root / "js", file)
    found["embed.js"] = bare((root / "embed.js").read_text("utf-8"))
    if (copies := copies_of_htmx(root / "vendor")) is not None:
        found[HTMX] = copies
    return {name: text.encode() for name, text in found.items()}


def _visit(folder: Path, name: str, found: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise Unjoinable(f"{' imports '.join((*above, name))}: none of them can be first")
    if name in found:
        return
    for number, line in enumerate((folder / name).read_text("utf-8").splitlines()):
        if needed := IMPORT.fullmatch(line):
            file = _resolved(name, needed["file"])
            if file.startswith("../"):
                raise Unjoinable(f"{name}:{number + 1}: {needed['file']} is of another folder")
            _visit(folder, file, found, (*above, name))
    found.append(name)


def _resolved(file: str, address: str) -> str:
    """What a module means by an address, as a path below the folder of all."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), address))


def _module(file: str, text: str) -> _Module:
    lines, exports, imports = [], [], []
    # Where text may go on over several lines, none of them is known to be a comment.
    comments = all(line.count("`") % 2 == 0 for line in text.splitlines())
    for number, line in enumerate(text.splitlines()):
        code = line
        if comments and line.lstrip().startswith("//"):
            continue
        if found := IMPORT.fullmatch(line):
            if found["names"] is None:
                continue
            names = found["names"].replace(" as ", ": ")
            needed = _resolved(file, found["file"])
            imports.append((number, needed, re.findall(r"(\w+)(?:: \w+)?", names)))
            code = f"const {{ {names} }} = {_variable(needed)};{found['rest']}"
        elif found := EXPORT.fullmatch(line):
            exports.append(found["name"])
            code = found["code"]
        elif found := EXPORTS.fullmatch(line):
            exports += found["names"].split(", ")
            code = found["rest"]
        elif FORBIDDEN.search(line):
            raise Unjoinable(
                f"{file}:{number + 1}: {line.strip()!r} is a way to import or export that is not known here"
            )
        if code.strip():
            lines.append((number, code))
    return _Module(lines, exports, imports)


def _variable(file: str) -> str:
    """What a module's exports are called: no name that stands in one, nor that of a module in another folder."""
    return "$" + file.removesuffix(".js").replace("-", "_").replace("/", "$")


def _mappings(lines: list[tuple[int, int] | None]) -> str:
    """For each line where it comes from, file and line, as source maps say it (https://tc39.es/ecma426/)."""
    mapped = []
    before = (0, 0)
    for line in lines:
        if line is None:
            mapped.append("")
            continue
        mapped.append("A" + _number(line[0] - before[0]) + _number(line[1] - before[1]) + "A")
        before = line
    return ";".join(mapped)


def _number(value: int) -> str:
    """A number as base 64 VLQ."""
    rest = -2 * value + 1 if value < 0 else 2 * value
    digits = ""
    while True:
        rest, digit = rest >> 5, rest & 31
        digits += BASE64[digit | 32 if rest else digit]
        if not rest:
            return digits
