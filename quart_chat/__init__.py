"""A chat room that goes on any web page and through any network: htmx, Server-Sent Events, SQLite."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart_chat.app import create_app

__all__ = ["__version__", "create_app"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`create_app`, and Quart with it, when somebody asks: most commands need neither."""
    if name == "create_app":
        from quart_chat.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
