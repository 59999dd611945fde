"""For whatever watches the server: is it alive, can it do its work."""

from quart import Blueprint

from quart_chat.domain import rooms
from quart_chat.web import context

blueprint = Blueprint("health", __name__)

PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


@blueprint.get("/healthz")
async def alive() -> tuple[str, dict[str, str]]:
    return "ok\n", PLAIN


@blueprint.get("/readyz")
async def ready() -> tuple[str, dict[str, str]]:
    """Raises StoreUnavailable, which answers 503."""
    await rooms.public(context.site().chat)
    return "ready\n", PLAIN
