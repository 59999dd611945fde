"""Addresses in a text: where they begin and where they end, in whatever language the text is.

Only what says that it is an address is one: `main.py` and `e.g.this` are not. Each character is looked at a few times
at most, whatever the text.
"""

import ipaddress
import re
from collections.abc import Iterator

import regex

LONGEST = 2048
"""Characters of an address. What is longer is no link: not every browser and server takes it."""

MOST = 100
"""Links in one message: more are no reading matter."""

START = re.compile(r"(?<![a-z0-9])(?:https?://|mailto:)", re.ASCII | re.IGNORECASE)
"""A letter or digit before it would be of the scheme; one that no scheme can have is of the text before, as Chinese is
written without spaces."""

LABEL = r"[\p{L}\p{M}\p{N}\p{So}_\-\u200c\u200d\ufe0f]"
LATIN = r"[\p{Latin}\p{M}0-9]"
OTHER = r"[[\p{L}\p{M}]--\p{Latin}]"
HOST = regex.compile(
    rf"(?V1)(?:[A-Za-z0-9._~!$&'()*+,;=:%-]{{0,128}}@)?"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]{{2,45}})\]|(?=[\p{{L}}\p{{N}}\p{{So}}])(?:{LABEL}+\.)*"
    rf"(?:{LATIN}(?:{LATIN}|-(?=[-{LATIN[1:]}))*|{OTHER}+))(?:\.(?=[:/?#]))?(?::[0-9]{{1,5}}(?![0-9A-Za-z]))?"
)
"""Who, where and at which port. A last label is of Latin letters or of none: what else follows is of the text."""

MAILBOX = regex.compile(rf"(?V1)[\p{{L}}\p{{M}}\p{{N}}.!#$%&'*+=^_~-]{{1,64}}@(?:{LABEL}+\.)*(?:{LATIN}+|{OTHER}+)")

ENDS = (
    r"\s\p{Cc}\p{Z}<>\"`\\…—―\ufffc"
    r"[[\p{Ps}\p{Pe}]--[()\[\]{}]]\p{Pi}\p{Pf}[\p{Quotation_Mark}--[']]"
    r"[\p{Terminal_Punctuation}--[!,.:;?]][\p{DI}--[\u200c\u200d\ufe0f]]"
)
"""What is in no address as people write them: spaces; the quotes, brackets and stops of every script but ASCII's own;
and what nobody sees."""

SPACELESS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Tai_Tham}"
)
"""Scripts in which no space need be between an address and the next word."""

TURN = regex.compile(rf"(?V1)[{ENDS}]|(?<=[A-Za-z0-9])[{SPACELESS}]|[,;](?=https?://)|[()\[\]{{}}|'*~_]")
"""Where an address ends, or may."""

OPENED = {")": "(", "]": "[", "}": "{"}

TRAILING = frozenset("?!.,:;*_~'|([{–·・\u200c")
"""What at the end of an address is of the sentence around it."""

PICTURE = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f\u20e3]")


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where in `text` an address begins and where it has ended, for the first `MOST` of them."""
    position = found = 0
    while found < MOST and (scheme := START.search(text, position)):
        mail = scheme[0].endswith(":")
        place = (MAILBOX if mail else HOST).match(text, scheme.end())
        if place is None or not (mail or _is_host(place["ipv6"])):
            position = scheme.end()
            continue
        end = position = place.end()
        if text[end : end + 1] in ("?",) if mail else text[end : end + 1] in ("/", "?", "#"):
            position = _reach(text, scheme.start(), end)
            end = _trimmed(text, end, position)
        if end - scheme.start() <= LONGEST:
            found += 1
            yield scheme.start(), end


def _is_host(ipv6: str | None) -> bool:
    try:
        return ipv6 is None or bool(ipaddress.IPv6Address(ipv6))
    except ValueError:
        return False


def _reach(text: str, start: int, position: int) -> int:
    """How far the address from `start` goes on after `position`."""
    before, pair = text[start - 1 : start], text[max(0, start - 2) : start]
    opened = dict.fromkeys("([{", 0)
    for turn in TURN.finditer(text, position):
        character = turn[0]
        if character in opened:
            opened[character] += 1
        elif character in OPENED:
            opened[OPENED[character]] -= 1
            if opened[OPENED[character]] < 0:
                return turn.start()
        elif character == "|":
            if before in ("<", "|"):
                return turn.start()  # <address|words>, and a cell of a table
        elif character == "'":
            if before == "'":
                return turn.start()
        elif character in "*~_":
            if pair == 2 * character and text.startswith(pair, turn.start()):
                return turn.start()
        else:
            return turn.start()
    return len(text)


def _trimmed(text: str, least: int, end: int) -> int:
    """Where the address ends without what belongs to the sentence around it. A picture does, unless it stands where a
    word of the address would begin."""
    while end > least:
        last = end
        while end > least and text[end - 1] in TRAILING:
            end -= 1
        picture = end
        while picture > least and PICTURE.match(text[picture - 1]):
            picture -= 1
        if picture == least or text[picture - 1] not in "/=#?&":
            end = picture
        if end == last:
            break
    return end
