"""From ASGI's `send` to the connection it writes to. Everything here is private to Hypercorn, and stops here.

Nothing is assumed: whatever is not exactly as in the Hypercorn this was written for gives None, and the stream goes
through `send` as on any other server.
"""

import asyncio
from typing import Any

try:
    import h11
    from hypercorn.asyncio.tcp_server import TCPServer
    from hypercorn.protocol.h11 import H11Protocol
    from hypercorn.protocol.http_stream import HTTPStream
except ImportError:
    KNOWN = False
else:
    KNOWN = True


def transport_of(send: object) -> asyncio.Transport | None:
    """The transport beneath `send`, where a response with a chunked body has begun and nothing is on its way.

    From then on ready-made chunks may be written to it, in between what `send` writes. None for other servers, other
    protocols than HTTP/1.1, and a `send` that some middleware has wrapped.
    """
    if not KNOWN:
        return None
    stream = _owner(send, HTTPStream, "app_send")
    protocol = _owner(getattr(stream, "send", None), H11Protocol, "stream_send")
    server = _owner(getattr(protocol, "send", None), TCPServer, "protocol_send")
    writer = getattr(server, "writer", None)
    if not isinstance(writer, asyncio.StreamWriter) or not _is_chunking(stream, protocol):
        return None
    transport = writer.transport
    return transport if isinstance(transport, asyncio.Transport) and not transport.is_closing() else None


def _owner(method: object, kind: type, name: str) -> Any:
    """The object that `method` is bound to, if it is the method `name` of just this class."""
    owner, function = getattr(method, "__self__", None), getattr(method, "__func__", None)
    return owner if type(owner) is kind and function is not None and function is getattr(kind, name, None) else None


def _is_chunking(stream: Any, protocol: Any) -> bool:
    connection = getattr(protocol, "connection", None)
    response = getattr(stream, "response", None)
    if not isinstance(connection, h11.Connection) or not isinstance(response, dict):
        return False
    if getattr(protocol, "stream", None) is not stream or connection.our_state is not h11.SEND_BODY:
        return False
    lengths = {b"content-length", b"transfer-encoding"}
    return connection.their_http_version == b"1.1" and not any(
        bytes(name).lower() in lengths for name, _ in response.get("headers", ())
    )
