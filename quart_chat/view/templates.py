"""Rendering: Jinja templates, what they may call, and which one shows an event."""

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from quart_chat import assets, bundles, vendor
from quart_chat.broker.broker import Signal
from quart_chat.encoding import gzipped, squeezed, stored
from quart_chat.errors import ChatError
from quart_chat.events import ACT_NAMES, AboutMessage, Act, Event, MemberChanged, MessageDeleted, RoomChanged
from quart_chat.models import Member, Message, Page, Rank, Room, User
from quart_chat.text import NAME_LENGTH, NAME_SIZE, REASON_LENGTH, first_character
from quart_chat.view.filters import clock, day, iso, linked
from quart_chat.view.look import Look

GROUP_MS = 5 * 60_000
"""Messages of one author that follow each other within this time are shown as one group."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""Of rendered messages that are kept: thousands of common ones, a hundred of the largest."""

ROOM_BYTES = 16 * 1024 * 1024
"""Of rendered rooms that are kept: hundreds with common messages."""

ENTRY_BYTES = 2048
"""What a kept entry takes besides its HTML and the text of its message, about."""

NONCE, KEY, IDENTITY = Markup("<nonce>"), Markup("<key>"), Markup("<identity>")
ORIGIN = Markup("<origin>")
LOOK, DARK, HERE, STILL, POST_TO = map(Markup, ("<look>", "<dark>", "<here>", "<still>", "<post-to>"))
SHEET = Markup("<sheet>")
"""What stands in a kept page for what each viewer gets another of. What users write is escaped: it is none of these."""

Macro = Callable[..., str]
PLACE = re.compile(b"(<(?:nonce|key|identity|origin|look|sheet|dark|here|still|post-to)>)")

Html = TypeVar("Html")


@dataclass(frozen=True, slots=True)
class Framed:
    """What is special to one frame."""

    look: Look
    path: str
    """Of the frame's own address."""
    said: dict[str, str]
    """What its forms say in their address besides its look."""


class _Environment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dictionary: Jinja's own chain of them is gone through for every template that is rendered, and costs
        more than a message."""
        return {**self.globals, **(d or {})}


class Templates:
    """The templates of a folder. Rendering never waits: everything a template shows is given to it."""

    def __init__(self, folder: Path, *, joined: bool = True, cdn: bool = True) -> None:
        """`joined` pages ask for their scripts and styles as one file each; without `cdn` also htmx comes from here."""
        static = assets.folder("static")
        self._environment = _Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.filters.update(linked=linked, iso=iso, day=day, clock=clock, first_character=first_character)
        self._environment.globals.update(
            static=f"/static/{assets.fingerprint(static)}",
            name_length=NAME_LENGTH,
            name_units=2 * NAME_SIZE,
            reason_length=REASON_LENGTH,
            joined=joined,
            sheets=["page.css"] if joined else [f"css/{name}.css" for name in bundles.SHEETS],
            scripts={name: f"{name}.js" if joined else f"js/{file}" for name, file in bundles.SCRIPTS.items()},
            modules={}
            if joined
            else {name: bundles.modules(static / "js", file) for name, file in bundles.SCRIPTS.items()},
            night=Markup(bundles.sheet(static / "css", "dark")),  # noqa: S704  # a file of ours
            choose_htmx=Markup(bundles.inline(static / "js", f"{bundles.INLINE}.js")),  # noqa: S704  # this one, too
            htmx=vendor.SCRIPTS if cdn else (),
            htmx_copy=bundles.HTMX if vendor.is_complete(static / "vendor") else None,
            continues=continues,
            article=self._message,
        )
        # In a room's page itself, where it is a round trip less; kept once for all of them.
        self._sheet = bundles.sheet(static / "css", *bundles.SHEETS).encode()
        self._sheet_packed = squeezed(self._sheet)
        self._messages: _Kept[str] = _Kept(MESSAGE_BYTES)
        self._rooms: _Kept[_Shared] = _Kept(ROOM_BYTES)
        self._article = self._macro("messages/_message.html", "article")
        self._frame = self._macro("embed/_frame.html", "frame")
        self._attributes = self._macro("embed/_look.html", "attributes")
        self._dark = self._macro("embed/_look.html", "dark")
        self._fragments = {name: self._macro(f"events/{name}.html", "fragment") for name in ACT_NAMES.values()}

    def render(self, name: str, /, **values: object) -> str:
        return self._environment.get_template(name).render(values)

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
        framed: Framed | None = None,
        packed: bool = False,
    ) -> bytes:
        """A room's page, `packed` with gzip. All but a few places in it are the same for every viewer who may the same:
        unless something was refused, it is kept as it goes out. What happens in a room moves its cursor, and it is what
        it was while that stands."""
        places = {
            NONCE: nonce,
            KEY: key,
            ORIGIN: escape(origin),
            IDENTITY: self.render(
                "messages/_identity.html", user=user, rank=rank, name=form.get("name", ""), error=error
            ),
        }
        if framed:
            places |= self._places(framed, nonce)
        readonly = framed is not None and framed.look.readonly
        moderates = rank >= Rank.MODERATOR

        def show() -> _Shared:
            html = self.render(
                "embed/show.html" if framed else "rooms/show.html",
                page=page,
                refresh=refresh,
                form=form,
                error=error,
                framed=framed is not None,
                readonly=readonly,
                moderates=moderates,
                nonce=NONCE,
                key=KEY,
                origin=ORIGIN,
                identity=IDENTITY,
                look=LOOK,
                dark=DARK,
                sheet=SHEET,
                here=HERE,
                still=STILL,
                post_to=POST_TO,
            )
            return _Shared(html.encode())

        kind = (page.room.id, page.before, page.after, page.message, refresh, framed is not None, readonly, moderates)
        shared = show() if error else self._rooms.get(kind, (page.cursor, page.room.signed_only), show)
        own = {place.encode(): value.encode() for place, value in places.items()}
        own[SHEET.encode()] = self._sheet
        return shared.packed(own, {SHEET.encode(): self._sheet_packed}) if packed else shared.plain(own)

    def _places(self, framed: Framed, nonce: str) -> dict[Markup, str]:
        look, said = framed.look, framed.said
        return {
            LOOK: self._attributes(look),
            DARK: self._dark(look, self._environment.globals["night"], nonce),
            HERE: escape(framed.path + look.query(**said)),
            STILL: escape(framed.path + look.query(**said, refresh="off")),
            POST_TO: escape(f"{framed.path}/messages{look.query(**said)}"),
        }

    def frame(self, origin: str, room: Room, query: str, size: str) -> str:
        """The frame that a site puts into its page, as HTML. `size` is its attributes."""
        return str(self._frame(origin, room, query, size))

    def fragment(self, event: Event) -> str:
        """What an event changes on a page, as it is now: of a message that is gone only that it is gone. Nothing where
        nothing is known."""
        return self.happened(event.act)

    def signals(self, signals: Iterable[Signal]) -> str:
        """What they change on a page, each by the template of its kind."""
        return "".join(self.render(f"signals/{signal.kind}.html", signal=signal) for signal in signals)

    def happened(self, act: Act) -> str:
        """The same for an act by itself. Its template is a macro: a call, without a context of its own."""
        subject: Message | Member | Room
        match act:
            case AboutMessage(message):
                act, subject = MessageDeleted(message) if message.deleted_at else act, message
            case MemberChanged(subject) | RoomChanged(subject):
                pass
            case _:
                return ""
        # A plain string: what is added to Markup is escaped.
        return str(self._fragments[ACT_NAMES[type(act)]](subject))

    def _message(self, message: Message, continued: bool = False) -> str:
        """The key is the whole message. It is frozen, so that what was changed or deleted is never shown as it was."""
        return self._messages.get(
            (message, continued), None, lambda: self._article(message, continued), sys.getsizeof(message.text)
        )

    def _macro(self, template: str, name: str) -> Macro:
        found: Macro = getattr(self._environment.get_template(template).module, name)
        return found


class _Shared:
    """A page with places in it. What is the same for every viewer is compressed once, when somebody first takes it so.

    What is a viewer's own is put between that as it is. Where both were compressed together, the length of an answer
    would say what they have in common: who can write messages would find out who reads (https://www.breachattack.com/).
    """

    def __init__(self, html: bytes) -> None:
        # Every second part is a place.
        self._parts = PLACE.split(html)
        self._blocks: list[bytes] | None = None
        self._length = len(html)

    def __sizeof__(self) -> int:
        """What it may come to: compressed, pages are a fifth."""
        return self._length + self._length // 4

    def plain(self, own: dict[bytes, bytes]) -> bytes:
        parts = self._parts.copy()
        parts[1::2] = [own[place] for place in parts[1::2]]
        return b"".join(parts)

    def packed(self, own: dict[bytes, bytes], ready: dict[bytes, bytes]) -> bytes:
        """The same as a gzip file. Some of the places are `ready` as blocks of it."""
        if self._blocks is None:
            self._blocks = self._parts.copy()
            self._blocks[::2] = [squeezed(part) for part in self._parts[::2]]
        as_it_is = {place: ready.get(place) or stored(value) for place, value in own.items()}
        blocks = self._blocks.copy()
        blocks[1::2] = [as_it_is[place] for place in blocks[1::2]]
        return gzipped(blocks, self.plain(own))


class _Kept(Generic[Html]):
    """HTML that is the same for every viewer, as long as there is room for it: what was used least recently goes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, tuple[object, Html, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, state: object, make: Callable[[], Html], extra: int = 0) -> Html:
        """What `make` returned when `key` had this `state`; made anew where that is not known any more.

        `extra` is how many bytes the key itself holds.
        """
        entry = self._entries.get(key)
        if entry and entry[0] == state:
            self._entries.move_to_end(key)
            return entry[1]
        html = make()
        if entry:
            self._bytes -= entry[2]
        size = ENTRY_BYTES + extra + sys.getsizeof(html)
        self._entries[key] = (state, html, size)
        self._entries.move_to_end(key)
        self._bytes += size
        while self._bytes > self._most:
            self._bytes -= self._entries.popitem(last=False)[1][2]
        return html


def continues(message: Message, previous: Message | None) -> bool:
    """Whether `message` belongs to the group that `previous` is in."""
    return (
        previous is not None
        and previous.author.id == message.author.id
        and message.created_at - previous.created_at < GROUP_MS
        and day(previous.created_at) == day(message.created_at)
    )
