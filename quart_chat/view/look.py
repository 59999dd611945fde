"""How a room looks in an embed, as the query of its address says."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from quart_chat.errors import OptionInvalid
from quart_chat.view.colours import Accent

THEMES = ("auto", "light", "dark", "host")
"""`host` is for pages whose script tells the embed its colours; until it does, as `auto`."""

LOCALE = re.compile(r"[a-zA-Z]{2,8}(?:-[a-zA-Z0-9]{1,8}){0,4}")
"""A language tag (https://www.rfc-editor.org/rfc/rfc5646), as far as it can be told by its form."""

COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")

SWITCHES = {"": True, "1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Look:
    theme: str = "auto"
    accent: str = ""
    """Six hexadecimal digits; empty for the accent of every page."""
    locale: str = ""
    """For times and days; empty for the reader's own."""
    compact: bool = False
    readonly: bool = False

    @property
    def colours(self) -> Accent | None:
        return Accent.of(self.accent) if self.accent else None

    def query(self, **more: str) -> str:
        """The query that says this, with its question mark; empty where nothing differs from what every embed has."""
        said = {
            "theme": self.theme if self.theme != "auto" else "",
            "accent": self.accent,
            "locale": self.locale,
            "compact": "1" if self.compact else "",
            "readonly": "1" if self.readonly else "",
        } | more
        query = urlencode({name: value for name, value in said.items() if value})
        return f"?{query}" if query else ""


def parse(argument: Callable[[str], str | None]) -> Look:
    """Read the options; `argument` returns one of them, None where it is not there. Raises OptionInvalid."""
    theme = (argument("theme") or "auto").lower()
    if theme not in THEMES:
        raise OptionInvalid(f"theme must be one of {', '.join(THEMES)}.")
    colour = COLOUR.fullmatch(argument("accent") or "")
    if argument("accent") and not colour:
        raise OptionInvalid("accent must be a colour of six hexadecimal digits, like 2b6390.")
    locale = argument("locale") or ""
    if locale and not LOCALE.fullmatch(locale):
        raise OptionInvalid("locale must be a language tag, like de or pt-BR.")
    return Look(
        theme,
        colour[1].lower() if colour else "",
        locale,
        _switch("compact", argument("compact")),
        _switch("readonly", argument("readonly")),
    )


def _switch(name: str, value: str | None) -> bool:
    if value is None:
        return False
    if value.lower() not in SWITCHES:
        raise OptionInvalid(f"{name} must be 1 or 0.")
    return SWITCHES[value.lower()]
