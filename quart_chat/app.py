"""The only wiring: settings in, a Quart app out. What is opened when serving begins is closed when it ends."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType

import structlog
from quart import Quart

from quart_chat import assets
from quart_chat.asgi import App
from quart_chat.broker.memory import MemoryBroker
from quart_chat.config import Config, load_config
from quart_chat.diagnose import routes as diagnose
from quart_chat.diagnose.answer_websocket import WebSockets
from quart_chat.domain.chat import Chat
from quart_chat.domain.gates import Gates
from quart_chat.domain.limits import Limits
from quart_chat.domain.newest import Newest
from quart_chat.errors import StartupError
from quart_chat.events import Event
from quart_chat.http import context, errors, hosts, security
from quart_chat.http.connection import ChatConnection
from quart_chat.http.context import ChatRequest
from quart_chat.http.numbers import Number
from quart_chat.http.proxies import Proxies
from quart_chat.http.serving import Serving
from quart_chat.http.surfaces import FORM_LENGTH, held_paths
from quart_chat.secret import load_secret
from quart_chat.store import events
from quart_chat.store.others import Moved
from quart_chat.store.sqlite import SQLiteDatabase
from quart_chat.streaming.feeds import Feeds
from quart_chat.streaming.forms import HTML, JSON, Encoder, Forms, event_as_json, signals_as_json
from quart_chat.streaming.quota import Seats
from quart_chat.view import htmx
from quart_chat.view.templates import Templates
from quart_chat.web import (
    embed_settings,
    embedded_room,
    health,
    identity,
    me,
    members,
    messages,
    oembed,
    rooms,
    share,
    static,
    streams,
)
from quart_chat.work.audit_log import AuditLog
from quart_chat.work.follow import follow

log = structlog.get_logger()

BODY_TIME = 30
"""Seconds for a form to come whole: the largest of them at 4.4 KB/s."""


class ChatApp(Quart):
    request_class = ChatRequest
    asgi_http_class = ChatConnection

    def log_exception(
        self, exception_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]
    ) -> None:
        # A StartupError is a sentence to the operator, which the server shows. There is nothing in it to trace.
        if not isinstance(exception_info[1], StartupError):
            super().log_exception(exception_info)


def create_app(config: Config | None = None, *, local: bool = False) -> Quart:
    """An ASGI app with these settings, by default those of the environment; `local` says that it listens to its own
    machine alone. Raises StartupError."""
    config = config or load_config()
    if config.cdn == "off" and not htmx.is_complete(assets.folder("static") / "vendor"):
        raise StartupError("QUART_CHAT_CDN is off, but htmx is not here: run `quart-chat fetch-htmx` first.")
    app = ChatApp("quart_chat", static_folder=None, template_folder=None)
    # Werkzeug would send whoever writes two slashes elsewhere, to an address made of what was asked for.
    app.url_map.merge_slashes = False
    app.url_map.converters["number"] = Number
    app.config["MAX_CONTENT_LENGTH"] = FORM_LENGTH
    app.config["BODY_TIMEOUT"] = BODY_TIME
    templates = Templates(assets.folder("templates"), joined=config.assets == "joined", cdn=config.cdn == "on")
    serving = Serving(config, templates, local)
    app.extensions[context.EXTENSION] = serving

    for module in (
        rooms,
        share,
        messages,
        members,
        me,
        identity,
        embedded_room,
        embed_settings,
        oembed,
        health,
        diagnose,
    ):
        app.register_blueprint(module.blueprint)
    serving.held = held_paths(app)
    app.asgi_app = _wrapped(app.asgi_app, serving)  # type: ignore[assignment, method-assign]  # as Quart documents it
    errors.register(app)
    app.before_request(security.check_request)

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None]:
        if not htmx.is_complete(assets.folder("static") / "vendor"):
            log.warning("htmx is not here: pages have it from the CDN alone (quart-chat fetch-htmx)")
        if config.limits == "off":
            log.warning("every limit is off (QUART_CHAT_LIMITS=off)")
        async with open_chat(config) as chat, _following(chat, config):
            feeds = Feeds(chat, forms(templates), config.heartbeat, Seats.from_config(config), chat.gates.of_room)
            serving.opened(chat, feeds)
            yield
            await feeds.close()

    return app


@asynccontextmanager
async def open_chat(config: Config, *, alone: bool = True) -> AsyncIterator[Chat]:
    """The chat of these settings, for a server, or without `alone` for a command beside one. Raises StartupError."""
    broker, newest = MemoryBroker(), Newest()

    def on_commit(events: Sequence[Event]) -> None:
        newest.committed(events)
        gates.committed(events)
        broker.publish(events)

    def on_others(moved: Moved) -> None:
        gates.forget(moved)
        for room_id, cursor in moved.items():
            newest.moved(room_id, cursor)
            broker.moved(room_id, cursor)

    database = SQLiteDatabase(
        config.database_path,
        on_commit,
        alone=alone,
        reserve=config.disk_reserve,
        on_others=on_others if alone else None,
    )
    await database.open()
    try:
        secret = load_secret(config)
        gates = Gates(database, secret)
        epoch = await database.read(events.select_epoch)
        yield Chat(database, broker, newest, gates, Limits.from_config(config), epoch, secret)
    finally:
        await database.close()


@asynccontextmanager
async def _following(chat: Chat, config: Config) -> AsyncIterator[None]:
    """Work after commits, as far as any is asked for. Raises StartupError."""
    async with AsyncExitStack() as stack:
        if config.audit_log:
            audit_log = stack.enter_context(AuditLog.opened(Path(config.audit_log), chat.epoch))
            await stack.enter_async_context(follow(chat, audit_log))
        yield


def forms(templates: Templates) -> Forms:
    return {HTML: Encoder(templates.fragment, templates.signals), JSON: Encoder(event_as_json, signals_as_json)}


def _wrapped(app: App, serving: Serving) -> App:
    app = security.AddsHeaders(static.Static(app, assets.folder("static")))
    app = WebSockets(streams.Held(app, serving), serving)
    app = hosts.ChecksHost(app, serving.hosts)
    return Proxies(app, serving.config.trusted_networks, unix=serving.config.trusts_unix)
