"""The shapes of ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html), as far as middleware needs them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
"""An application. Its parameters are Scope, Receive and Send, which every framework spells in its own way."""
