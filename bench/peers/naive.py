"""The naive form of this very app: Quart and Hypercorn, one asyncio.Queue per reader, one `yield` per event."""

import asyncio
import sys
from collections.abc import AsyncIterator

import hypercorn.asyncio
from hypercorn.config import Config
from quart import Quart, Response, request

from bench.peers.framing import frame

app = Quart(__name__)
queues: set[asyncio.Queue[bytes]] = set()


@app.get("/stream")
async def stream() -> Response:
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def events() -> AsyncIterator[bytes]:
        queues.add(queue)
        try:
            yield frame("hello")
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)

    response = Response(events(), content_type="text/event-stream")
    response.timeout = None
    return response


@app.post("/post")
async def post() -> tuple[str, int]:
    event = frame((await request.get_data()).decode())
    for queue in queues:
        queue.put_nowait(event)
    return "", 201


@app.get("/healthz")
async def healthz() -> str:
    return "ok"


if __name__ == "__main__":
    config = Config.from_mapping(
        bind=[f"127.0.0.1:{sys.argv[1]}"], backlog=4096, keep_alive_timeout=75, loglevel="WARNING"
    )
    asyncio.run(hypercorn.asyncio.serve(app, config))
