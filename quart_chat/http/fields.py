"""Which field makes a form too large: whoever sent it is told what to shorten, and to what."""

import re

from quart_chat.domain.rooms import SLUG_LENGTH
from quart_chat.errors import RequestTooLarge
from quart_chat.text import NAME_LENGTH, REASON_LENGTH, TEXT_LENGTH

BOUNDS = {
    "text": ("The message", TEXT_LENGTH),
    "name": ("The name", NAME_LENGTH),
    "owner": ("Your name", NAME_LENGTH),
    "reason": ("The reason", REASON_LENGTH),
    "slug": ("The address", SLUG_LENGTH),
}
"""What fields are to people, and how many characters they hold; of others only the whole form has a bound."""

FIELD = re.compile(rb"[a-z_]{1,20}")

ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")

CONTINUED = re.compile(rb"%[89ABab][0-9A-Fa-f]|[\x80-\xbf]")
"""The second byte and those after it of a character (https://www.rfc-editor.org/rfc/rfc3629#section-3)."""

ROUNDED_TO = 3
"""Digits of a length that is estimated which are told."""


def too_large(form: bytes, size: int | None, most: int) -> RequestTooLarge:
    """The refusal of a form that begins like this, is said to have `size` bytes, and may have `most`."""
    fields = form.split(b"&")
    missing = max(0, (size or 0) - len(form))
    lengths = [len(field) for field in fields]
    lengths[-1] += missing  # what has not come is taken for the rest of the field in which it breaks off
    longest = max(range(len(fields)), key=lengths.__getitem__)
    name, _, value = fields[longest].partition(b"=")
    if not FIELD.fullmatch(name):
        return RequestTooLarge(f"{RequestTooLarge.sentence} A form holds up to {most:,} bytes.")
    about, length = "", len(value) - 2 * len(ESCAPE.findall(value)) - len(CONTINUED.findall(value))
    if longest == len(fields) - 1 and missing:
        length = round(length * (1 + missing / max(1, len(value))))  # like what has come
        about, length = "about ", round(length, ROUNDED_TO - len(str(length)))
    what, bound = BOUNDS.get(name.decode(), (f"“{name.decode()}”", 0))
    holds = f"it holds up to {bound:,}" if bound else f"the whole form holds up to {most:,} bytes"
    sentence = f"{RequestTooLarge.sentence} {what} has {about}{length:,} characters, and {holds}."
    return RequestTooLarge(sentence, name.decode())
