"""A chat room that goes on any web page and through any network: htmx, Server-Sent Events, SQLite."""

from quart_chat.app import create_app

__all__ = ["__version__", "create_app"]
__version__ = "0.1.0"
