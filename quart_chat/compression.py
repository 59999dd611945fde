"""Compressed answers: which form a client takes, and pages that are compressed once for all their viewers."""

import struct
import zlib
from collections.abc import Iterable, Mapping

HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
"""Of every gzip file without a name and a date (https://www.rfc-editor.org/rfc/rfc1952)."""

END = b"\x03\x00"
"""A last block of deflate, with nothing in it."""

BLOCK = 0xFFFF
"""Bytes that one stored block holds."""

QUICK = 3
"""Of what is compressed for one answer: a tenth larger than with 6, in a quarter of the time."""

LEVEL = 6
"""Of pages that are kept, which are compressed again with every message: 9 takes twice as long for a hundredth."""


def chosen(accepted: bytes, forms: Mapping[bytes, object]) -> bytes:
    """The first encoding among these that an Accept-Encoding header allows
    (https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding); empty for the plain form."""
    allowed: dict[bytes, bool] = {}
    for each in accepted.lower().split(b","):
        encoding, _, parameter = each.partition(b";")
        weight = parameter.strip().removeprefix(b"q=")
        # A weight of nothing but zeros says: not this one.
        allowed[encoding.strip()] = not weight or bool(weight.strip(b"0."))
    return next((form for form in forms if form and allowed.get(form, allowed.get(b"*", False))), b"")


def gzip(content: bytes, level: int = 9) -> bytes:
    """The same bytes each time: without a name and a date."""
    packer = zlib.compressobj(level, wbits=16 + zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def squeezed(shared: bytes) -> bytes:
    """A part of a page as blocks of deflate that refer to nothing before them."""
    packer = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return min(packer.compress(shared) + packer.flush(zlib.Z_SYNC_FLUSH), stored(shared), key=len)


def stored(own: bytes) -> bytes:
    """A part of a page as blocks of deflate that only hold it: their length tells nothing but its own."""
    blocks = [own[start : start + BLOCK] for start in range(0, len(own), BLOCK)]
    return b"".join(struct.pack("<BHH", 0, len(block), BLOCK ^ len(block)) + block for block in blocks)


def gzipped(blocks: Iterable[bytes], content: bytes) -> bytes:
    """These blocks as a gzip file; `content` is what they hold."""
    tail = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return b"".join((HEAD, *blocks, END, tail))
