"""What happens in a room, as a stream and as long polls: the same fragments from the same feed."""

from quart import Blueprint
from quart.wrappers import Response

from quart_chat.domain import rooms
from quart_chat.streaming.places import Caller
from quart_chat.streaming.poll import wait
from quart_chat.streaming.stream import stream
from quart_chat.web import context
from quart_chat.web.security import check_stream_origin, stream_user

blueprint = Blueprint("streams", __name__, url_prefix="/rooms/<slug>")

LONGEST_WAIT = 25.0
"""Seconds a poll is held: below the 30 s after which the strictest proxies give up."""

STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    # nginx holds a response back until its buffer is full, unless told not to.
    "X-Accel-Buffering": "no",
}


@blueprint.get("/stream")
async def show(slug: str) -> Response:
    """Server-Sent Events. The whole GET runs through Quart: limits, errors and headers apply as everywhere."""
    check_stream_origin()
    site = context.site()
    feed = await site.feeds.get(await rooms.find(site.chat, slug))
    if context.is_head():
        return Response(b"", content_type="text/event-stream; charset=utf-8", headers=STREAM_HEADERS)
    body = stream(
        site.feeds,
        feed,
        context.last_event_id(),
        replay_limit=site.config.replay_limit,
        heartbeat=site.config.heartbeat,
        age=site.config.stream_age,
        caller=_caller(),
        handover=context.handover(),
    )
    response = Response(body, content_type="text/event-stream; charset=utf-8", headers=STREAM_HEADERS)
    # Quart cuts every response after 60 s, without a word; a stream has its own end.
    response.timeout = None
    return response


@blueprint.get("/poll")
async def poll(slug: str) -> Response:
    """The fragments after `?after=`, at once or when something happens, but no later than `?wait=` seconds.

    The header `Chat-Cursor` says where the next poll goes on; `Chat-Reset: true` that the room must be loaded anew;
    `Chat-Limit: true` that it was not held any longer, because others of its address or its user took its place.
    `Chat-Network` is another one when the client has moved to another network.
    """
    check_stream_origin()
    site = context.site()
    feed = await site.feeds.get(await rooms.find(site.chat, slug))
    position, must_reset = await feed.resume(context.last_event_id(), site.config.replay_limit)
    seconds = _seconds(context.argument("wait"))
    in_time = must_reset or not seconds or await wait(site.feeds, feed, position, seconds, _caller())
    entries = await feed.entries_after(position)
    position = entries[-1].cursor if entries else position
    response = Response(b"".join(entry.fragment for entry in entries), content_type="text/html; charset=utf-8")
    response.headers["Chat-Cursor"] = str(feed.cursor(position))
    if must_reset:
        response.headers["Chat-Reset"] = "true"
    if not in_time:
        response.headers["Chat-Limit"] = "true"
    response.headers["Chat-Network"] = context.network()
    response.headers["Cache-Control"] = "no-store"
    return response


def _caller() -> Caller | None:
    """Whose places are taken; None where that is not counted."""
    return Caller(context.address(), stream_user()) if context.site().feeds.places else None


def _seconds(text: str) -> float:
    try:
        # Of a number with 16,000 digits the last ones say little, and cost ten milliseconds.
        seconds = float(text[:20])
    except ValueError:
        return 0.0
    # Written so that "nan" does not pass.
    return min(seconds, LONGEST_WAIT) if seconds > 0 else 0.0
