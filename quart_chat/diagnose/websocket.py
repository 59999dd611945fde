"""One WebSocket, by hand: its handshake, one message and one answer (https://www.rfc-editor.org/rfc/rfc6455)."""

import base64
import contextlib
import http.client
import os
import secrets

from quart_chat.diagnose.client import CONNECT, TROUBLE, Server

PATH = "/diagnose/websocket"

TEXT, CLOSE, FINAL, MASKED = 0x1, 0x8, 0x80, 0x80
FRAMES = (bytes([FINAL | TEXT]), bytes([FINAL | CLOSE]))


def try_websocket(server: Server) -> tuple[str, int | None]:
    """open, refused or silent; with the status of the answer that was no handshake.

    Through a proxy it goes as browsers make it go: by CONNECT, with TLS and without.
    """
    status: int | None = None
    with contextlib.suppress(*TROUBLE), contextlib.closing(server.connect(tunnel=True)) as connection:
        connection.request("GET", PATH, headers=_handshake(server))
        response = http.client.HTTPResponse(connection.sock, method="GET")
        response.begin()
        status = response.status
        if status != 101:
            return "refused", status
        connection.sock.settimeout(CONNECT)
        connection.sock.sendall(_message(b"hello"))
        # Any frame counts, also one that refuses: what it says is the server's own business.
        return ("open" if connection.sock.recv(2)[:1] in FRAMES else "silent"), status
    return ("silent" if status == 101 else "refused"), None


def _handshake(server: Server) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return {
        "Host": server.authority,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }


def _message(data: bytes) -> bytes:
    """A text of less than 126 bytes, masked as a client must (https://www.rfc-editor.org/rfc/rfc6455#section-5.3)."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
    return bytes([FINAL | TEXT, MASKED | len(data)]) + mask + masked
