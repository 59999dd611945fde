"""Quart and Hypercorn with nothing in between: what a request costs, with the server settings of quart-chat."""

import asyncio
import gc
import sys

import hypercorn.asyncio
from hypercorn.config import Config
from quart import Quart, request

from quart_chat.server import YOUNG

app = Quart(__name__)


@app.post("/post")
async def post() -> tuple[str, int]:
    await request.get_data()
    return "ok", 201


@app.get("/page")
async def page() -> str:
    return "ok"


@app.get("/healthz")
async def healthz() -> str:
    return "ok"


if __name__ == "__main__":
    config = Config.from_mapping(
        bind=[f"127.0.0.1:{sys.argv[1]}"],
        backlog=4096,
        keep_alive_timeout=75,
        include_server_header=False,
        loglevel="WARNING",
    )
    # The same patience with garbage, so that the difference is what the app does.
    gc.set_threshold(YOUNG, 10, 10)
    gc.freeze()
    asyncio.run(hypercorn.asyncio.serve(app, config))
