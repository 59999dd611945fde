"""A chat room that goes on any web page and through any network: htmx, Server-Sent Events, SQLite."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

    from quart_chat.config import Config

__all__ = ["__version__", "create_app"]
__version__ = "0.1.0"


def create_app(config: "Config | None" = None, *, local: bool = False) -> "Quart":
    """The app, as `quart_chat.app.create_app` makes it. A function here, and no import: most commands need no Quart,
    and servers that evaluate `quart_chat:create_app()` look among this module's own names."""
    from quart_chat import app

    return app.create_app(config, local=local)
