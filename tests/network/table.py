"""Writes what the tests have measured into results.json and the README: `python -m tests.network.table FILE`."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.network.proxies import COMPONENTS

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
MARKER = "<!-- network table -->"

HEAD = """| component | stock configuration | with `deploy/` | way used | first message, ms |
| --- | --- | --- | --- | ---: |"""

Row = dict[str, dict[str, Any]]
"""What is known of a component, by configuration."""


def collect(lines: str) -> dict[str, Row]:
    """By component, in the order in which they are listed. A later line adds to an earlier one."""
    rows: dict[str, Row] = {component.row: {} for component in COMPONENTS.values()}
    for line in map(json.loads, lines.splitlines()):
        row = rows.setdefault(line.pop("component"), {})
        row.setdefault(line.pop("configuration"), {}).update(line)
    return {name: row for name, row in rows.items() if any("way" in known for known in row.values())}


def table(rows: dict[str, Row]) -> str:
    return "\n".join([HEAD, *(_row(name, row) for name, row in rows.items())])


def _row(name: str, row: Row) -> str:
    used = row.get("deploy") or row["stock"]
    way = {"stream": "stream", "poll": "long polling"}[used["way"]]
    return f"| {name} | {_cell(row.get('stock'))} | {_cell(row.get('deploy'))} | {way} | {used['ms']:.0f} |"


def _cell(known: dict[str, Any] | None) -> str:
    if known is None:
        return ""
    words = ["streams" if known["way"] == "stream" else "holds streams back"]
    if "websocket" in known:
        words.append("lets WebSockets through" if known["websocket"] else "no WebSocket")
    return ", ".join(words)


def into(text: str, rows: dict[str, Row]) -> str:
    """The text with the table between the two markers. Raises ValueError where they are not."""
    parts = text.split(MARKER)
    if len(parts) != 3:
        found = len(parts) - 1
        raise ValueError(f"README.md must have two lines {MARKER!r}, between which the table goes; it has {found}.")
    return f"{parts[0]}{MARKER}\n\n{table(rows)}\n\n{MARKER}{parts[2]}"


def main() -> None:
    rows = collect(Path(sys.argv[1]).read_text())
    if not rows:
        sys.exit("Nothing was measured, so that the table stays as it is.")
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    readme = ROOT / "README.md"
    try:
        readme.write_text(into(readme.read_text("utf-8"), rows), "utf-8")
    except ValueError as error:
        sys.exit(f"{error} The measurements are in {RESULTS.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
