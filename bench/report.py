"""What a run has found, for people and for programs."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.bars import Bar, Missing, Rounds, median

VERSIONS = ("quart", "hypercorn", "uvicorn", "starlette", "sse-starlette", "django", "channels", "daphne")


def table(rounds: Rounds, names: list[str], absent: dict[str, str], few: int, many: int) -> str:
    """One line per contestant; what was not measured is a dash, what is missing on this machine is named."""
    columns = [
        (f"1 poster, {few:,}", f"one poster, {few}", "deliveries_per_s", 1),
        (f"1 poster, {many:,}", f"one poster, {many}", "deliveries_per_s", 1),
        (f"32 posters, {few:,}", f"32 posters, {few}", "deliveries_per_s", 1),
        (f"32 posters, {many:,}", f"32 posters, {many}", "deliveries_per_s", 1),
        ("p99 ms, 3/s", "calm", "p99_ms", 1),
        ("KiB/stream", f"one poster, {many}", "idle_bytes", 1024),
        ("bytes/event", f"one poster, {few}", "bytes_per_delivery", 1),
    ]
    lines = ["deliveries/s".ljust(14) + "".join(title.rjust(20) for title, *_ in columns)]
    for name in names:
        if name in absent:
            lines.append(f"{name.ljust(14)}  not measured: this machine lacks {absent[name]}")
            continue
        cells = [_cell(rounds, scenario, name, figure, unit) for _, scenario, figure, unit in columns]
        lines.append(name.ljust(14) + "".join(cell.rjust(20) for cell in cells))
    return "\n".join(lines)


def _cell(rounds: Rounds, scenario: str, name: str, figure: str, unit: int) -> str:
    try:
        value = median(rounds, scenario, name, figure) / unit
    except Missing:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def verdicts(bars: list[Bar]) -> str:
    width = max(len(bar.what) for bar in bars)
    words = {True: "reached", False: "MISSED", None: "not measured"}
    return "\n".join(
        f"{bar.what.ljust(width)}  {'-' if bar.value is None else f'{bar.value:.2f}'.rjust(7)} {bar.unit.ljust(3)} "
        f"({'<=' if bar.most else '>='} {bar.bar:g})  {words[bar.reached]}"
        for bar in bars
    )


def machine(packages: Sequence[str] = VERSIONS) -> dict[str, Any]:
    """What the figures depend on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def write(path: Path, rounds: Rounds, bars: list[Bar], absent: dict[str, str], invalid: list[str]) -> None:
    found = {
        "machine": machine(),
        "missing": absent,
        "invalid": invalid,
        "bars": [
            {
                "what": bar.what,
                "value": bar.value,
                "bar": bar.bar,
                "most": bar.most,
                "unit": bar.unit,
                "reached": bar.reached,
            }
            for bar in bars
        ],
        "rounds": list(rounds),
    }
    path.write_text(json.dumps(found, indent=2) + "\n")
