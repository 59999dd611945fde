"""The measurement as a program makes it. A page makes the same one in `static/js/diagnose.js`."""

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

from quart_chat.diagnose import headers
from quart_chat.diagnose.client import CONNECT, TROUBLE, Server, Unusable, headers_of, issuer_of, read, reason
from quart_chat.diagnose.headers import text
from quart_chat.diagnose.measurement import Measurement
from quart_chat.diagnose.websocket import try_websocket

STREAM = 15.0
"""Seconds after which a stream is given up that should take five."""

MORE = 10.0
"""Seconds that what is held may come later than it was to."""

HOLD = 25.0
"""Seconds for which the server holds an answer at most."""

Say = Callable[[str], None]
Values = dict[str, Any]
"""Fields of a Measurement."""


def measure(server: Server, idle: float, say: Say) -> Measurement:
    """`idle` is how many seconds a stream is to be silent; everything else is over by then, as a rule.

    `say` is told of each step that is done. Raises Unusable where there is nothing that could be measured.
    """
    values: Values = {"host": server.authority, **_echo(server)}
    say(f"short request: {values['round_trip'] * 1000:.0f} ms")
    with ThreadPoolExecutor(2) as meanwhile:
        silence = meanwhile.submit(_silence, server, idle, say)
        poll = meanwhile.submit(_poll, server, min(idle, HOLD), say)
        values |= _stream(server, values.pop("arrived"), say)
        values["websocket"], values["websocket_status"] = try_websocket(server)
        say(f"WebSocket: {values['websocket']}")
        return Measurement(**values, **silence.result(), **poll.result())


def _echo(server: Server) -> Values:
    try:
        began = time.monotonic()
        connection, response = server.get("/diagnose/echo", timeout=CONNECT)
        with contextlib.closing(connection), response:
            echo = json.loads(b"".join(piece for piece, _ in read(response, CONNECT)))
            return {
                "round_trip": time.monotonic() - began,
                "address": text(echo["address"]),
                "http": text(echo["http"]),
                "protocol": f"{response.version / 10:.1f}",
                "issuer": issuer_of(connection),
                "heartbeat": float(echo["heartbeat"]),
                "request": headers.pairs(echo["added"]),
                "plain_encoding": response.headers.get("Content-Encoding", ""),
                "arrived": headers.differences(headers.pairs(echo["response"]), headers_of(response))[1],
            }
    except TROUBLE as error:
        raise Unusable(f"Nothing to measure at {server.authority}: {reason(error)}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(
            f"There is no quart-chat at {server.authority}, or something in between answers for it."
        ) from error


def _stream(server: Server, arrived: headers.Headers, say: Say) -> Values:
    values: Values = {"arrived": arrived}
    times = []
    began = time.monotonic()
    with contextlib.suppress(*TROUBLE, ValueError, KeyError), _answer(server, "/diagnose/stream", STREAM) as response:
        kind = response.headers.get("Content-Type", "")
        values |= {"status": response.status, "type": text(kind), "arrived": headers_of(response)}
        values["stream_encoding"] = response.headers.get("Content-Encoding", "")
        if not kind.startswith("text/event-stream"):
            values["title"] = _title(response)
        for event, came in _events(response, STREAM):
            times.append((float(event["sent"]), came - began))
            values["times"] = tuple(times)
            if "headers" in event:
                values["events"] = int(event["events"])
                said = headers.pairs(event["headers"])
                values["said"], values["arrived"] = headers.differences(said, values["arrived"])
    say(f"stream: {len(times)} events" + (f", the first after {times[0][1]:.2f} s" if times else ""))
    return values


def _silence(server: Server, idle: float, say: Say) -> Values:
    values: Values = {"idle": idle}
    since = time.monotonic()
    status = 200
    with (
        contextlib.suppress(*TROUBLE, ValueError),
        _answer(server, f"/diagnose/stream?idle={idle:g}", idle + MORE) as response,
    ):
        status = response.status
        for event, came in _events(response, idle + MORE):
            if event.get("silence"):
                since = came
            else:
                values["idle_arrived"] = True
    if status != 429:
        # Where the answer was collected, both events come together: then it has been silent from the beginning.
        values["idle_lasted"] = idle if values.get("idle_arrived") else time.monotonic() - since
    say(f"silence of {idle:g} s: " + ("still there" if values.get("idle_arrived") else "cut"))
    return values


def _poll(server: Server, hold: float, say: Say) -> Values:
    values: Values = {"hold": hold}
    began = time.monotonic()
    with contextlib.suppress(*TROUBLE), _answer(server, f"/diagnose/poll?wait={hold:g}", hold + MORE) as response:
        for _ in read(response, hold + MORE):
            pass
        values |= {"hold_status": response.status, "held": time.monotonic() - began}
    say(f"answer held for {hold:g} s: " + (f"there after {values['held']:.1f} s" if "held" in values else "not there"))
    return values


@contextlib.contextmanager
def _answer(server: Server, path: str, timeout: float) -> Iterator[HTTPResponse]:
    connection, response = server.get(path, timeout=timeout)
    with contextlib.closing(connection), response:
        yield response


def _events(response: HTTPResponse, seconds: float) -> Iterator[tuple[Values, float]]:
    """The data of each event, and when it came (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    rest = b""
    for piece, came in read(response, seconds):
        *blocks, rest = (rest + piece).split(b"\n\n")
        for block in blocks:
            data = [line[5:] for line in block.splitlines() if line.startswith(b"data:")]
            event = json.loads(b"\n".join(data)) if data else None
            if isinstance(event, dict):
                yield event, came


def _title(response: HTTPResponse) -> str:
    start = next((piece for piece, _ in read(response, CONNECT)), b"").decode("utf-8", "replace")
    found = re.search(r"<title[^>]*>\s*([^<]*?)\s*</title>", start, re.IGNORECASE)
    return text(found[1]) if found else ""
