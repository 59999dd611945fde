"""What answers have in common that are held open: streams, held polls, and what measures whether those get through."""

LONGEST_WAIT = 25.0
"""Seconds a poll is held: below the 30 s after which the strictest proxies give up."""

STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    # nginx holds a response back until its buffer is full, unless told not to.
    "X-Accel-Buffering": "no",
}
