"""The page of a room: rendered once for all who see the same, with slots for what each viewer gets another of."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from markupsafe import Markup, escape

from quart_chat import assets
from quart_chat.compression import gzipped, squeezed, stored
from quart_chat.errors import ChatError
from quart_chat.models import Page, Rank, User
from quart_chat.view import bundles
from quart_chat.view.kept import Kept
from quart_chat.view.look import Look
from quart_chat.view.templates import Templates

ROOM_BYTES = 16 * 1024 * 1024
"""Of rendered rooms that are kept: hundreds with common messages."""


IDENTITY_BYTES = 2 * 1024 * 1024
"""Of what says who a viewer is: for some six hundred of those who came last."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What is special to one embed."""

    look: Look
    path: str
    """Of the embed's own address."""
    said: dict[str, str]
    """What its forms say in their address besides its look."""


class Slot(StrEnum):
    """What each viewer gets another of, by the name that templates have for it."""

    NONCE = "nonce"
    KEY = "key"
    IDENTITY = "identity"
    ORIGIN = "origin"
    SHEET = "sheet"
    LOOK = "look"
    DARK = "dark"
    HERE = "here"
    STILL = "still"
    POST_TO = "post_to"
    RENAME_TO = "rename_to"


MARKS = {str(slot): Markup("<{}>").format(str(slot)) for slot in Slot}
"""What templates are given for them. What users write is escaped: it is none of these."""

MARK = re.compile("<({})>".format("|".join(MARKS)).encode())

Filled = dict[Slot, bytes]


class Pages:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._rooms: Kept[Slotted] = Kept(ROOM_BYTES)
        self._identities: Kept[str] = Kept(IDENTITY_BYTES)
        self._attributes = templates.macro("embed/_look.html", "attributes")
        self._dark = templates.macro("embed/_look.html", "dark")
        css = assets.folder("static") / "css"
        # In a room's page itself, where it is a round trip less.
        self._sheet = bundles.sheet(css, *bundles.SHEETS).encode()
        self._ready = {Slot.SHEET: squeezed(self._sheet)}

    def room(
        self,
        page: Page,
        user: User | None,
        rank: Rank = Rank.READER,
        *,
        nonce: str,
        key: str,
        origin: str,
        refresh: int | None,
        form: dict[str, str],
        error: ChatError | None,
        embedded: Embedded | None = None,
        packed: bool = False,
    ) -> bytes:
        """A room's page as it is for all who may the same, `packed` with gzip. Unless something was refused, it is kept
        as it goes out. What happens in a room moves its cursor, and the page is what it was while that stands."""
        readonly = embedded is not None and embedded.look.readonly
        moderates = rank >= Rank.MODERATOR

        def show() -> Slotted:
            html = self._templates.render(
                "embed/show.html" if embedded else "rooms/show.html",
                page=page,
                refresh=refresh,
                form=form,
                error=error,
                embedded=embedded is not None,
                readonly=readonly,
                moderates=moderates,
                **MARKS,
            )
            return Slotted.of(html.encode())

        kind = (page.room.id, page.before, page.after, page.message, refresh, embedded is not None, readonly, moderates)
        shared = show() if error else self._rooms.get(kind, page.cursor, show)
        identity = self._identity(user, rank, form.get("name", ""), error)
        filled = {
            Slot.NONCE: nonce.encode(),
            Slot.KEY: key.encode(),
            Slot.ORIGIN: escape(origin).encode(),
            Slot.IDENTITY: identity.encode(),
            Slot.SHEET: self._sheet,
        }
        if embedded:
            filled |= self._of_embed(embedded, nonce)
        return shared.packed(filled, self._ready) if packed else shared.plain(filled)

    def _identity(self, user: User | None, rank: Rank, name: str, error: ChatError | None) -> str:
        """Who the viewer is. Most are nobody yet, and see the same."""

        def show() -> str:
            return self._templates.render("messages/_identity.html", user=user, rank=rank, name=name, error=error)

        return show() if error or name else self._identities.get((user, rank), None, show)

    def _of_embed(self, embedded: Embedded, nonce: str) -> Filled:
        look, said = embedded.look, embedded.said
        return {
            Slot.LOOK: self._attributes(look).encode(),
            Slot.DARK: self._dark(look, self._templates.night, nonce).encode(),
            Slot.HERE: escape(embedded.path + look.query(**said)).encode(),
            Slot.STILL: escape(embedded.path + look.query(**said, refresh="off")).encode(),
            Slot.POST_TO: escape(f"{embedded.path}/messages{look.query(**said)}").encode(),
            Slot.RENAME_TO: escape(f"{embedded.path}/me{look.query(**said)}").encode(),
        }


class Slotted:
    """A page in parts. What is the same for every viewer is compressed once, when somebody first takes it so.

    What is a viewer's own is put between that as it is. Where both were compressed together, the length of an answer
    would say what they have in common: who can write messages would find out who reads (https://www.breachattack.com/).
    """

    def __init__(self, parts: list[bytes | Slot]) -> None:
        self._parts = parts
        self._blocks: list[bytes | Slot] = []

    @classmethod
    def of(cls, html: bytes) -> Self:
        """Every second piece between the marks is the name of a slot."""
        pieces = MARK.split(html)
        return cls([Slot(piece.decode()) if number % 2 else piece for number, piece in enumerate(pieces)])

    def __sizeof__(self) -> int:
        """What it may come to: compressed, pages are a fifth."""
        length = sum(len(part) for part in self._parts if isinstance(part, bytes))
        return length + length // 4

    def plain(self, filled: Filled) -> bytes:
        return b"".join(_fill(self._parts, filled))

    def packed(self, filled: Filled, ready: Filled) -> bytes:
        """The same as a gzip file. Some of the slots are `ready` as blocks of it."""
        if not self._blocks:
            self._blocks = [squeezed(part) if isinstance(part, bytes) else part for part in self._parts]
        as_it_is = {slot: ready.get(slot) or stored(value) for slot, value in filled.items()}
        return gzipped(_fill(self._blocks, as_it_is), self.plain(filled))


def _fill(parts: list[bytes | Slot], filled: Filled) -> list[bytes]:
    return [part if isinstance(part, bytes) else filled[part] for part in parts]
