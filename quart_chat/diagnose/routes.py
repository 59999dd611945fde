"""A page that measures what the network does to plain HTTP, and the answers that it and `quart-chat diagnose` measure.

None of them shows anything of the chat, and nothing that is measured is kept.
"""

from quart.wrappers import Response

from quart_chat.diagnose import headers
from quart_chat.diagnose.headers import Headers
from quart_chat.diagnose.measurement import parse
from quart_chat.diagnose.paced import held, paced, silent
from quart_chat.diagnose.report import report
from quart_chat.diagnose.verdict import findings, streams, summary
from quart_chat.errors import Invalid, NotFound
from quart_chat.http import context
from quart_chat.http.held import LONGEST_WAIT, STREAM_HEADERS
from quart_chat.http.security import DEFAULTS, FIXED
from quart_chat.http.surfaces import PAGES, Blueprint, Refusal, Surface

blueprint = Blueprint("diagnose", __name__, Surface(Refusal.PAGE), url_prefix="/diagnose")

LONGEST_SILENCE = 120.0
"""Seconds that a stream may be asked to be silent: beyond the idle timeouts of most proxies."""

WAITS = (20, 60, 120)
"""Seconds of silence that the page offers."""

EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", **STREAM_HEADERS}
NO_STORE = {"Cache-Control": "no-store"}

HELD = Surface(held=True)
"""Like the streams and polls of the rooms, also where one is refused."""


@blueprint.get("")
@blueprint.but(PAGES)
async def show() -> str:
    """The page. `?idle=<seconds>` chooses another silence than those it offers."""
    asked = context.number("idle") or WAITS[0]
    waits = sorted({*WAITS, min(asked, int(LONGEST_SILENCE))})
    return context.render("diagnose/show.html", waits=waits, chosen=asked, origin=context.origin())


@blueprint.get("/echo")
async def echo() -> tuple[dict[str, object], dict[str, str]]:
    """What has arrived of this request, and what is about to be sent."""
    _spend()
    came = headers.shown(context.headers().items())
    return {
        "http": context.http_version(),
        "origin": context.origin(),
        "address": context.address(),
        "heartbeat": context.serving().config.heartbeat,
        "request": came,
        "added": headers.added(came),
        "response": _sent({"Content-Type": "application/json", **NO_STORE}),
    }, NO_STORE


@blueprint.get("/verdict")
async def verdict() -> tuple[str, dict[str, str]]:
    """What a measurement means, as a fragment of the page. It shows what it was given, and so to the page alone."""
    if context.is_navigation():
        raise NotFound
    _spend()
    measured = parse(context.argument("measurement"))
    found = findings(measured)
    fragment = context.fragment(
        "diagnose/_findings.html",
        findings=found,
        streams=streams(found),
        summary=summary(found),
        report=report(measured, found),
    )
    return fragment, NO_STORE


@blueprint.get("/websocket")
async def websocket() -> tuple[str, int, dict[str, str]]:
    """Here only without its upgrade: somebody has taken it out of the handshake."""
    context.serving().allowance.spend(context.address())
    return "This address answers WebSockets alone.\n", 426, {"Content-Type": "text/plain; charset=utf-8", **NO_STORE}


@blueprint.get("/stream")
@blueprint.but(HELD)
async def stream() -> Response:
    """Events at known times; with `?idle=<seconds>`, two with a silence between them."""
    _spend(held=True)
    if context.is_head():
        return Response(b"", headers=EVENT_STREAM)
    serving = context.serving()
    idle = _seconds("idle", LONGEST_SILENCE)
    body = silent(idle) if idle else paced(_sent(EVENT_STREAM))
    response = Response(held(serving, context.address(), body), headers=EVENT_STREAM)
    response.timeout = None
    return response


@blueprint.get("/poll")
@blueprint.but(HELD)
async def poll() -> Response:
    """An ordinary answer, held for `?wait=<seconds>`."""
    _spend(held=True)
    serving = context.serving()
    wait = _seconds("wait", LONGEST_WAIT)
    parts = [part async for part in held(serving, context.address(), silent(wait))]
    return Response(b"".join(parts), headers={"Content-Type": "text/plain; charset=utf-8", **NO_STORE})


def _spend(*, held: bool = False) -> None:
    allowance = context.serving().allowance
    spend = allowance.spend_held if held else allowance.spend
    spend(context.address())


def _seconds(name: str, most: float) -> float:
    text = context.argument(name)
    try:
        seconds = float(text[:20] or 0)
    except ValueError:
        seconds = -1.0
    # Written so that "nan" does not pass.
    if not 0 <= seconds <= most:
        raise Invalid(f"{name} must be a number of seconds from 0 to {most:g}.")
    return seconds


def _sent(said: dict[str, str]) -> Headers:
    """What an answer with these headers is sent with."""
    mine = [(name.lower(), value) for name, value in said.items()]
    given = {name for name, _ in mine}
    always = [(name.decode(), value.decode()) for name, value in (*DEFAULTS, *FIXED)]
    return headers.pairs([*mine, *(header for header in always if header[0] not in given)])
