"""What people type: which text and which names are accepted, and in which form they are kept."""

import re
import unicodedata

import regex

from quart_chat.errors import NameInvalid, ReasonInvalid, TextInvalid

TEXT_LENGTH = 8000
"""Characters (code points) in a message."""

NAME_LENGTH = 40
"""Characters in a name, as people count them (https://www.unicode.org/reports/tr29/): a family of emoji is one, and so
is a letter of Hindi with its vowel."""

NAME_SIZE = 120
"""Code points in a name, before normalisation and after it."""

COUNTED = 1000
"""Code points of a name that is too long in which characters are counted as people do."""

TYPED_TEXT_LENGTH = 2 * TEXT_LENGTH
"""The same as it comes in: forms send a line break as two characters."""

REASON_LENGTH = 200
"""Characters (code points) in the reason for a removal."""

CRLF = "\r\n"

MARKS_IN_A_ROW = 4
"""Combining marks on one character: enough for every living script, too few to paint over other lines."""

JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: part of Persian and Indic words and of emoji, so allowed inside a name."""

UNSEEN = r"\p{Cc}\p{Cs}\p{Z}\p{DI}\p{NChar}\u2800\ufff9-\ufffb\U00016fe4\U0001d159"
"""What shows nothing: control and space characters; what is to be ignored where a font does not know it, which Unicode
has fixed also for code points without a meaning (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point);
what never means anything; and a few signs that are drawn as nothing. All else that is unassigned or private is a
letter: a newer Unicode, or a font of its users, knows it."""

HIDDEN = regex.compile(rf"(?V1)[[{UNSEEN}]--[ {JOINERS}\p{{Variation_Selector}}]]")
"""The same without what names need: spaces, joiners, and what emoji, Japanese and Mongolian choose their glyphs by."""

VISIBLE = regex.compile(rf"(?V1)[\P{{M}}--[{UNSEEN}]]")
"""A character with something to see. A mark alone has nothing."""

TOWER = regex.compile(rf"\p{{M}}{{{MARKS_IN_A_ROW + 1}}}")

FLAGS = regex.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|"
    "\U000e0077\U000e006c\U000e0073)\U000e007f"
)
"""Those of England, Scotland and Wales: a black flag, and in tags, which show nothing, whose it is."""

MARKS_OF_TRUST = frozenset("✓✔☑✅🗸🗹⍻🮱𐄂㆑√∛∜⎷⟌؆؇⩗🅥🆅⍌🆗🏵💮📛🪪🛡⛨🔰🏅🎖")
"""Check marks and what passes for one, a V or an OK in a circle or a box, rosettes, badges, medals and shields: next to
a name they say what only the server says, that somebody vouches for it."""

ALONE = regex.compile(
    r"(?V1)(?<![\p{Tai_Viet}--[ꪛꪜ]])[ꪛꪜ](?![\p{Tai_Viet}--[ꪛꪜ]])"
    r"|(?<![・ー\p{Katakana}--[レㇾ]])[レㇾ](?![・ー\p{Katakana}--[レㇾ]])"
)
"""Letters that are drawn like a check mark, where no other one of their own script is beside them: among their own they
are read as letters."""

SETS_DIRECTION = regex.compile(r"[\p{Cc}\p{Cs}\p{Bidi_Control}]")
"""What could make a sentence around it read as another one, and what has no place in one line."""

ENCLOSING = regex.compile(r"(?<![0-9#*]\ufe0f?)\p{Me}")
"""What draws a circle or a box around any letter, except on the keys of a telephone, which are emoji."""


def clean_text(text: str) -> str:
    """The text of a message as it is kept: line breaks as LF, no control characters but TAB, no blank ends.

    Raises TextInvalid when it is empty, too long, or holds NUL or half a surrogate pair.
    """
    if len(text) > TYPED_TEXT_LENGTH:
        raise _text_too_long(text)
    if "\0" in text:
        raise TextInvalid("The message contains a NUL character, which cannot be shown. Remove it and send again.")
    if re.search(r"[\ud800-\udfff]", text):
        # From JSON, where `\ud800` is allowed: it has no UTF-8, so neither database nor stream could take it.
        raise TextInvalid("The message contains half a character. Remove it and send again.")
    text = text.replace(CRLF, "\n").replace("\r", "\n")
    text = re.sub(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]", "", text)
    text = re.sub(r"\A(?:[^\S\n]*\n)+", "", text).rstrip()
    if not VISIBLE.search(text):
        raise TextInvalid("The message is empty. Write something, then send it.")
    if len(text) > TEXT_LENGTH:
        raise _text_too_long(text)
    return text


def clean_reason(reason: str) -> str:
    """Why somebody was removed, as it is kept: one line, shown after a sentence of ours; empty where there is nothing
    to see in it. Raises ReasonInvalid when it is too long."""
    if len(reason) > REASON_LENGTH:
        raise ReasonInvalid(f"The reason is too long: {len(reason):,} characters, and {REASON_LENGTH} at most.")
    reason = " ".join(SETS_DIRECTION.sub(" ", reason).split())
    return reason if VISIBLE.search(reason) else ""


def clean_name(name: str) -> str:
    """The name of somebody, as `clean_title` has it. Raises NameInvalid, also when it imitates the mark of those whom a
    room's site vouches for."""
    name = clean_title(name)
    alone = ALONE.search(name)
    if found := alone[0] if alone else min(MARKS_OF_TRUST.intersection(name), default=""):
        raise NameInvalid(
            f"The name contains {found}, which looks like the mark of verified people. Please leave it out."
        )
    if ENCLOSING.search(name):
        raise NameInvalid("The name has a letter in a circle or a box, like a mark of its own. Please leave that out.")
    return name


def clean_title(name: str) -> str:
    """The name of anything as it is kept: NFKC (https://unicode.org/reports/tr15/), single spaces, no blank ends.

    Raises NameInvalid when it is not 1 to 40 visible characters, or holds control, bidirectional or other invisible
    characters, which could imitate or hide another name.
    """
    if len(name) > NAME_SIZE:
        raise _name_too_long(name)  # before anything takes time that grows faster than the name
    name = re.sub(r" {2,}", " ", unicodedata.normalize("NFKC", name)).strip()
    if not name:
        raise NameInvalid("Please enter a name.")
    if len(name) > NAME_SIZE or len(regex.findall(r"\X", name)) > NAME_LENGTH:
        raise _name_too_long(name)
    if HIDDEN.search(FLAGS.sub("", name)):
        raise NameInvalid("The name contains invisible or control characters. Please type it with plain letters.")
    if not VISIBLE.search(name) or re.search(f"^[{JOINERS}]|[{JOINERS}]$|[{JOINERS}]{{2}}", name):
        raise NameInvalid("The name has nothing to see in it. Please enter a name.")
    if TOWER.search(name):
        raise NameInvalid("The name has too many accents on one letter. Please use fewer.")
    return name


def first_character(name: str) -> str:
    """The first of the characters that people see in `name`, as a capital where that is one character too: the whole of
    a flag, of a family, of a letter and its accent."""
    match = regex.match(r"\X", name)
    found = match[0] if match else ""
    # In the case that titles have: there dž is Dž, and Georgian keeps its letters. But ß would be Ss.
    capital = found.title()
    return capital if len(capital) == len(found) else found


def _text_too_long(text: str) -> TextInvalid:
    length = len(text) - text.count(CRLF)
    return TextInvalid(f"The message is too long: {length:,} characters, and {TEXT_LENGTH:,} at most.")


def _name_too_long(name: str) -> NameInvalid:
    length = len(regex.findall(r"\X", name[:COUNTED])) + len(name[COUNTED:])
    if length > NAME_LENGTH:
        return NameInvalid(f"The name is too long: {length:,} characters, and {NAME_LENGTH} at most.")
    return NameInvalid(
        f"The name is too long: with all accents and joined signs it has {len(name):,}, and {NAME_SIZE} at most."
    )
