"""Scripts, styles and pictures: read once, compressed once, answered from memory before Quart hears of the request.

Under `/static/<fingerprint>/` the address changes with the content; what other sites name keeps its address.
"""

import functools
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from quart_chat import assets
from quart_chat.asgi import App, Receive, Scope, Send
from quart_chat.compression import chosen, gzip
from quart_chat.view import bundles

YEAR = 365 * 24 * 3600

SCRIPT_AGE = 300
"""Seconds that browsers keep the script for other sites without asking: its address stays the same when it changes."""

PREFIX = "/static/"

IN_ANY_PAGE = [
    (b"cache-control", b"public, max-age=%d" % SCRIPT_AGE),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
]
"""Said with the script that other sites load, in any way."""

TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".map": "application/json", ".css": "text/css"}
"""Where a machine may know others."""

TAG = re.compile(rb'"([0-9a-f]+)(?:[-;][a-z]+)?"')
"""An entity tag of ours, also with what a server in front adds to it when it compresses, or as a weak one."""

Headers = list[tuple[bytes, bytes]]
Compress = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class File:
    """One file in every form in which it goes out: by the encoding's name, plain under an empty one, best first."""

    type: bytes
    tag: bytes
    forms: dict[bytes, bytes] = field(repr=False)

    @classmethod
    def of(cls, name: str, content: bytes) -> "File":
        suffix = "." + name.rpartition(".")[2]
        kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        text = kind.startswith("text/") or suffix in (".svg", ".map")
        forms = {}
        if text:
            forms = {encoding: compress(content) for encoding, compress in ENCODINGS.items()}
        forms = {encoding: form for encoding, form in forms.items() if len(form) < len(content)}
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        tag = hashlib.sha256(content).hexdigest()[:20].encode()
        return cls((kind + charset).encode(), tag, forms | {b"": content})

    def answer(self, headers: Iterable[tuple[bytes, bytes]], extra: Headers) -> tuple[int, Headers, bytes]:
        """Status, headers and body for a request with these headers."""
        accepted, known = b"", b""
        for name, value in headers:
            if name == b"accept-encoding":
                accepted += b"," + value
            elif name == b"if-none-match":
                known += b"," + value
        encoding = chosen(accepted, self.forms)
        tag = b'"%b-%b"' % (self.tag, encoding) if encoding else b'"%b"' % self.tag
        said = [(b"etag", tag), *extra]
        if len(self.forms) > 1:
            # Also with the plain form: a cache in between would give it to everybody else.
            said.append((b"vary", b"accept-encoding"))
        if self.tag in TAG.findall(known):
            return 304, said, b""
        body = self.forms[encoding]
        said += [(b"content-type", self.type), (b"content-length", b"%d" % len(body))]
        if encoding:
            said.append((b"content-encoding", encoding))
        return 200, said, body


class Static:
    """ASGI middleware that answers for files itself. Whatever is none, or is asked for in another way, goes on to the
    app."""

    def __init__(self, app: App, root: Path) -> None:
        self._app = app
        self._current = assets.fingerprint(root)
        files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
        contents = {name: path.read_bytes() for name, path in files.items()} | bundles.files(root)
        self._files = {name: File.of(name, content) for name, content in contents.items()}
        self._fixed = {"/embed.js": self._files["embed.js"]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        file, extra = found
        status, headers, body = file.answer(scope["headers"], extra)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _find(self, scope: Scope) -> tuple[File, Headers] | None:
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or scope["http_version"].startswith("2")  # which the app refuses
        ):
            return None
        path: str = scope["path"]
        if path in self._fixed:
            return self._fixed[path], IN_ANY_PAGE
        if not path.startswith(PREFIX):
            return None
        fingerprint, _, name = path.removeprefix(PREFIX).partition("/")
        file = self._files.get(name)
        if file is None:
            return None
        kept = f"public, max-age={YEAR}, immutable" if fingerprint == self._current else "no-cache"
        return file, [(b"cache-control", kept.encode())]


def _encodings() -> dict[bytes, Compress]:
    """Best first. Brotli is there where its package is (`pip install quart-chat[brotli]`)."""
    found: dict[bytes, Compress] = {b"gzip": gzip}
    try:
        brotli: Any = import_module("brotli")
    except ImportError:
        return found
    # With its utmost, 11, a start takes a second longer, for a fiftieth.
    return {b"br": functools.partial(brotli.compress, quality=10)} | found


ENCODINGS = _encodings()
