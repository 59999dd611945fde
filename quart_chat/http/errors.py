"""One way from an error to an answer, in the form in which the surface of the route refuses."""

import structlog
from quart import Quart, redirect
from quart.wrappers import Response
from werkzeug.exceptions import HTTPException

from quart_chat.domain import rooms
from quart_chat.errors import ChatError, Failed, MessageNotFound, NotFound, RequestTooLarge, RoomNotFound
from quart_chat.http import addresses, context, credentials, security
from quart_chat.http.surfaces import Refusal

log = structlog.get_logger()


def register(app: Quart) -> None:
    app.register_error_handler(ChatError, _chat_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failure)


async def _chat_error(error: ChatError) -> Response:
    if isinstance(error, RoomNotFound) and (meant := await _room_meant()):
        return meant
    if error.counts and security.costs_when_refused():
        context.serving().chat.limits.refused(context.address())
    if context.surface().refusal is Refusal.TEXT:
        response = Response(f"{error.sentence}\n", error.status, content_type="text/plain; charset=utf-8")
    elif context.is_htmx():
        response = _html(context.fragment("answers/refused.html", error=error), error.status)
    else:
        page = await context.refused_page(error) or context.render(
            "errors/show.html",
            error=error,
            slug=context.slug() if isinstance(error, MessageNotFound) else None,
            embedded=credentials.embed() is not None,
        )
        response = _html(page, error.status)
    response.headers["Chat-Error"] = error.code
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _http_error(error: HTTPException) -> Response:
    """What Quart refuses by itself: unknown addresses, wrong methods, bodies that are too large."""
    if error.code == 404 and (meant := await _room_meant()):
        return meant
    known: dict[int | None, ChatError] = {404: NotFound(), 413: RequestTooLarge()}
    refusal = known.get(error.code) or ChatError(f"{error.name}.")
    response = await _chat_error(refusal)
    response.status_code = error.code or 500
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


async def _room_meant() -> Response | None:
    """Where a request to nearly the address of a room is to go: forms too, with what they say."""
    meant = addresses.room_meant(context.path())
    if meant is None:
        return None
    slug, path = meant
    if not context.answers(path):
        return None
    try:
        await rooms.find(context.serving().chat, slug, credentials.asker())
    except ChatError:
        return None
    response = redirect(addresses.with_query(path, context.query()), 308)
    assert isinstance(response, Response)
    return response


async def _failure(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return await _chat_error(Failed())


def _html(body: str | bytes, status: int) -> Response:
    return Response(body, status, content_type="text/html; charset=utf-8")
