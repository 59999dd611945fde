"""Scripts and styles are put together from the files that people edit, and lead back to them."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from quart_chat import assets
from quart_chat.models import Cursor, Page, Room
from quart_chat.view import bundles
from quart_chat.view.pages import Pages
from quart_chat.view.templates import Templates

STATIC = assets.folder("static")
TEMPLATES = assets.folder("templates")

FOLDERS = ("lib", "link", "list", "write", "embed", "diagnose")
"""Of modules. What pages begin with stands beside them; `lib` needs none of the others."""

MOST = {"room.js": 32, "embedded.js": 35, "still.js": 4}
"""In KiB on the line."""

REFUSED = {
    "a live binding": "export let count = 0;",
    "a default": "export default function start() {}",
    "all of a module": 'import * as all from "./other.js";',
    "all of it again": 'export * from "./other.js";',
    "over several lines": 'import {\n  one,\n} from "./other.js";',
    "only when needed": 'const other = await import("./other.js");',
    "of another folder": 'import { one } from "../other.js";',
    "from anywhere": 'import { one } from "/js/other.js";',
    "what is not there": 'import { two, one } from "./other.js";',
    "its own address": "const here = import.meta.url;",
}
"""What modules could do as well. Put together they would do something else, so it is said at once."""


def write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name.replace('_', '-')}.js").write_text(text)
    return folder


def origins(text: str, mapped: str) -> list[tuple[str, str, int] | None]:
    """For each line of a script: itself, the file and the line that its map names."""
    read = json.loads(mapped)
    file = line = 0
    found: list[tuple[str, str, int] | None] = []
    for code, segment in zip(text.split("\n"), read["mappings"].split(";"), strict=False):
        if not segment:
            found.append(None)
            continue
        column, files, lines, offset = numbers(segment)
        assert column == offset == 0
        file, line = file + files, line + lines
        found.append((code, read["sources"][file], line))
    return found


def numbers(segment: str) -> list[int]:
    """Base 64 VLQ, as https://tc39.es/ecma426/ has it."""
    found, value, shift = [], 0, 0
    for character in segment:
        digit = bundles.BASE64.index(character)
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            found.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return found


@pytest.mark.parametrize("name", bundles.SCRIPTS)
def test_every_line_of_a_script_leads_to_its_file(name: str) -> None:
    text, mapped = bundles.script(STATIC / "js", bundles.SCRIPTS[name])
    assert text.endswith(f"\n//# sourceMappingURL={name}.js.map\n")
    led = [origin for origin in origins(text, mapped) if origin]
    for code, source, line in led:
        original = (STATIC / source).read_text("utf-8").splitlines()[line]
        imported = re.fullmatch(r"const \{ (.*) \} = \$([\w$]+);.*", code)
        if imported and original.startswith("import"):
            assert original.startswith(f"import {{ {imported[1].replace(': ', ' as ')} }} from ")
            needed = imported[2].replace("_", "-").replace("$", "/")
            assert f'{needed.rpartition("/")[2]}.js";' in original
            assert (STATIC / "js" / f"{needed}.js").is_file()
        else:
            assert original in (code, f"export {code}")
    assert {source for _, source, _ in led} <= {
        f"js/{file}" for file in bundles.modules(STATIC / "js", bundles.SCRIPTS[name])
    }
    assert len(led) > 0.9 * len(text.splitlines()) - 3 * len(json.loads(mapped)["sources"])


def test_every_file_is_part_of_a_page() -> None:
    """A new one is in the list of sheets, or imported by a script that a page begins with."""
    scripts = {module for file in bundles.SCRIPTS.values() for module in bundles.modules(STATIC / "js", file)}
    assert set(written_modules()) == {*scripts, f"{bundles.INLINE}.js"}
    written = "".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.html"))
    single = set(re.findall(r"static \}\}/css/([a-z-]+)\.css", written))
    assert {path.stem for path in (STATIC / "css").glob("*.css")} == {*bundles.SHEETS, *single, "dark"}
    assert "/js/{{ module" in written
    assert not re.findall(r"static \}\}/js/[a-z/-]+\.js", written), "a page names its script as scripts[...]"


def written_modules() -> list[str]:
    return [path.relative_to(STATIC / "js").as_posix() for path in (STATIC / "js").rglob("*.js")]


def test_a_name_says_which_module_it_is() -> None:
    """Two folders do not have files of one name: documents, and whoever looks for one, name it alone."""
    names = Counter(file.rpartition("/")[2] for file in written_modules())
    assert not [name for name, count in names.items() if count > 1]
    assert {file.rpartition("/")[0] for file in written_modules()} == {"", *FOLDERS}
    below = [file for file in written_modules() if file.startswith("lib/")]
    for file in below:
        assert set(bundles.modules(STATIC / "js", file)) <= set(below), f"{file} needs what stands on it"


def test_a_page_fetches_no_more_script_than_it_should() -> None:
    """Everything that a page begins with counts for a first visit: what is only used at times is weighed."""
    sent = bundles.files(STATIC)
    weights = {name: len(gzip.compress(sent[name], 9, mtime=0)) / 1024 for name in MOST}
    assert not {name: (weight, MOST[name]) for name, weight in weights.items() if weight > MOST[name]}


def test_modules_keep_their_names_to_themselves(tmp_path: Path) -> None:
    """Two may use one name, and import it from each other under another; folders keep theirs apart."""
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", three='import { far } from "../three-and.js";\nexport const room = far;')
    write(
        tmp_path,
        one='import "./three.js";\nimport "./deep/three.js";\nimport { room as two } from "./two.js"; // why\n\n'
        "// So.\nexport const room = two;",
        two='import { far, near } from "./three-and.js";\nconst room = 1;\nexport { room };\n',
        three="console.log(1);",
        three_and="export async function* far() {}\nexport class near {}",
    )
    text, _ = bundles.script(tmp_path, "one.js")
    assert text.splitlines() == [
        "const $three = (() => {", "console.log(1);", "return {  };", "})();",
        "const $three_and = (() => {", "async function* far() {}", "class near {}", "return { far, near };", "})();",
        "const $deep$three = (() => {", "const { far } = $three_and;", "const room = far;", "return { room };", "})();",
        "const $two = (() => {", "const { far, near } = $three_and;", "const room = 1;", "return { room };", "})();",
        "const $one = (() => {", "const { room: two } = $two; // why", "const room = two;", "return { room };", "})();",
        "//# sourceMappingURL=one.js.map",
    ]  # fmt: skip


def test_text_over_several_lines_is_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, one="const text = `\n  // no comment\n\n`;")
    assert "\n  // no comment\n" in bundles.script(tmp_path, "one.js")[0]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_put_together_is_refused(tmp_path: Path, kind: str) -> None:
    write(tmp_path, one=f"// Why.\n{REFUSED[kind]}", other="export const one = 1;")
    with pytest.raises(bundles.Unjoinable, match=r"one\.js:2: "):
        bundles.script(tmp_path, "one.js")


def test_modules_that_need_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, one='import "./two.js";', two='import "./three.js";', three='import "./one.js";')
    with pytest.raises(bundles.Unjoinable, match=r"one\.js imports two\.js imports three\.js imports one\.js"):
        bundles.script(tmp_path, "one.js")


def test_room_asks_for_one_script_and_one_sheet_or_for_every_file() -> None:
    page = Page(Room(1, "lobby", "Lobby", 0, 0, 0), None, [], False, Cursor("epoch", 1))

    def asked(**options: bool) -> list[str]:
        html = Pages(Templates(TEMPLATES, **options)).room(
            page, None, nonce="n", key="k", origin="o", refresh=None, form={}, error=None
        )
        assert bundles.htmx.CDN.encode() in html or not options.get("cdn", True), "a page without a word of the CDN"
        return re.findall(r'(?:href|src)="/static/\w+/([^"]+\.(?:css|js))"', html.decode())

    assert asked() == ["htmx.js", "room.js"]
    modules = [f"js/{module}" for module in bundles.modules(STATIC / "js", "room.js")]
    sheets = [f"css/{sheet}.css" for sheet in bundles.SHEETS]
    assert asked(joined=False) == ["htmx.js", *sheets, *modules, "js/room.js"]
    assert bundles.htmx.CDN not in str(asked(cdn=False))
