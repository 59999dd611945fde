"""What people type: which text and which names are accepted, and in which form they are kept."""

import re
import unicodedata

from quart_chat.errors import NameInvalid, TextInvalid

TEXT_LENGTH = 8000
"""Characters (code points) in a message."""

NAME_LENGTH = 40
"""Characters (code points) in a name, after normalisation."""

MARKS_IN_A_ROW = 4
"""Combining marks on one character: enough for every living script, too few to paint over other lines."""

JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: part of Persian and Indic words and of emoji, so allowed inside a name."""

BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters, marks and symbols by category that show nothing: Hangul fillers, the empty Braille pattern, the combining
grapheme joiner, and two Khmer vowels that Unicode advises against. Variation selectors are not among them: emoji and
Japanese and Mongolian names need those."""

MARKS_OF_TRUST = frozenset("✓✔☑✅🗸🗹⍻🮱𐄂√∛∜⎷🅥🆅🏵📛🪪🛡⛨")
"""Check marks and what passes for one, a V in a circle or a box, rosettes, badges and shields: next to a name they say
what only the server says, that somebody vouches for it."""


def clean_text(text: str) -> str:
    """The text of a message as it is kept: line breaks as LF, no control characters but TAB, no blank ends.

    Raises TextInvalid when it is empty, too long, or holds NUL or half a surrogate pair.
    """
    if "\0" in text:
        raise TextInvalid("The message contains a NUL character, which cannot be shown. Remove it and send again.")
    if re.search(r"[\ud800-\udfff]", text):
        # From JSON, where `\ud800` is allowed: it has no UTF-8, so neither database nor stream could take it.
        raise TextInvalid("The message contains half a character. Remove it and send again.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]", "", text)
    text = re.sub(r"\A(?:[^\S\n]*\n)+", "", text).rstrip()
    if not any(map(_is_visible, text)):
        raise TextInvalid("The message is empty. Write something, then send it.")
    if len(text) > TEXT_LENGTH:
        raise TextInvalid(
            f"The message is {len(text) - TEXT_LENGTH:,} characters too long. "
            f"A message holds up to {TEXT_LENGTH:,} characters."
        )
    return text


def clean_name(name: str) -> str:
    """The name of somebody, as `clean_title` has it. Raises NameInvalid, also when it imitates the mark of those whom a
    room's site vouches for."""
    name = clean_title(name)
    if found := MARKS_OF_TRUST.intersection(name):
        raise NameInvalid(
            f"The name contains {min(found)}, which looks like the mark of verified people. Please leave it out."
        )
    return name


def clean_title(name: str) -> str:
    """The name of anything as it is kept: NFKC (https://unicode.org/reports/tr15/), single spaces, no blank ends.

    Raises NameInvalid when it is not 1 to 40 visible characters, or holds control, bidirectional or other invisible
    characters, which could imitate or hide another name.
    """
    name = re.sub(r" {2,}", " ", unicodedata.normalize("NFKC", name)).strip()
    if not name:
        raise NameInvalid("Please enter a name.")
    if len(name) > NAME_LENGTH:
        raise NameInvalid(f"The name is too long: {NAME_LENGTH} characters at most.")
    if any(_is_hidden(character) for character in name):
        raise NameInvalid("The name contains invisible or control characters. Please type it with plain letters.")
    if not any(map(_is_visible, name)) or re.search(f"^[{JOINERS}]|[{JOINERS}]$|[{JOINERS}]{{2}}", name):
        raise NameInvalid("The name has nothing to see in it. Please enter a name.")
    if _longest_run_of_marks(name) > MARKS_IN_A_ROW:
        raise NameInvalid("The name has too many accents on one letter. Please use fewer.")
    return name


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZM" and character not in BLANKS


def _is_hidden(character: str) -> bool:
    if character == " " or character in JOINERS:
        return False
    return unicodedata.category(character)[0] in "CZ" or character in BLANKS


def _longest_run_of_marks(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        longest = max(longest, run)
    return longest
