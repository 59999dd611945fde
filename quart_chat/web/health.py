"""For whatever watches the server: is it alive, can it do its work."""

from quart_chat.http import context
from quart_chat.http.surfaces import Blueprint, Surface

blueprint = Blueprint("health", __name__, Surface(foreign=True))

PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


@blueprint.get("/healthz")
async def alive() -> tuple[str, dict[str, str]]:
    return "ok\n", PLAIN


@blueprint.get("/readyz")
async def ready() -> tuple[str, dict[str, str]]:
    """Whether messages can be stored, as a message would be; and what the operator should know. Raises
    StoreUnavailable, which answers 503 with the reason."""
    database = context.serving().chat.database
    await database.prove()
    return f"ready\n{database.space_warning()}".rstrip() + "\n", PLAIN
