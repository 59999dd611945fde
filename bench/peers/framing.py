"""An event as the specification wants it, for peers whose libraries leave that to the app."""


def frame(text: str) -> bytes:
    return "".join(f"data: {line}\n" for line in text.split("\n")).encode() + b"\n"
