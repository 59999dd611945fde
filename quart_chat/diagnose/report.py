"""Findings as plain text, for a terminal and for a letter to an administrator."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

from quart_chat.diagnose.measurement import Measurement
from quart_chat.diagnose.verdict import Finding, State, streams, summary

MARKS = {State.GOOD: "ok", State.WARNING: "!", State.BAD: "BAD", State.UNKNOWN: "?"}

WIDTH = 100


def report(measured: Measurement, found: Sequence[Finding]) -> str:
    lines = [f"Network check of {measured.host}", "", summary(found), ""]
    for finding in found:
        lines += _wrapped(f"{MARKS[finding.state]:>4}  {finding.title}: {finding.words}")
        if finding.remedy:
            lines += _wrapped(f"      Remedy: {finding.remedy}")
    return "\n".join(lines) + "\n"


def as_json(measured: Measurement, found: Sequence[Finding]) -> str:
    """The same for programs. Keys and states are stable, words are not."""
    whole = {
        "streaming": streams(found),
        "summary": summary(found),
        "findings": [asdict(finding) for finding in found],
        "measurement": asdict(measured),
    }
    return json.dumps(whole, indent=2)


def _wrapped(text: str) -> list[str]:
    # Configuration between backquotes is to be copied: it is never broken at its hyphens.
    return textwrap.wrap(text, WIDTH, subsequent_indent="      ", break_on_hyphens=False, break_long_words=False)
