"""A stream that leaves Quart for its socket. What is private to Hypercorn is in one module."""
