"""Names and texts: what is accepted, and in which form it is kept."""

import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from quart_chat.errors import NameInvalid, TextInvalid
from quart_chat.identity import claims
from quart_chat.text import (
    HIDDEN,
    JOINERS,
    MARKS_IN_A_ROW,
    MARKS_OF_TRUST,
    NAME_SIZE,
    TEXT_LENGTH,
    VISIBLE,
    clean_name,
    clean_text,
    clean_title,
    first_character,
)

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
FAMILY = "👩\u200d👩\u200d👧\u200d👦"
NEW = "🩷🫪\U0003fffd\U00033480\u0378\ue000\U0010ffff"[:-1]
"""Characters of which some Python or other knows nothing, and one that only its users know."""

IGNORABLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""First and last of what is invisible for good, as Unicode has fixed it in advance."""

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
TRICKY = "a b\u0301ﬁ\u00a0\u200c\u200d\u200b\u202e\u2066\u00ad\u034f\ufe0f\u3164\u2028\t\r\n\0\x0b\x85\U000e0041😀کİ①"
anything = st.one_of(st.text(max_size=60), st.text(alphabet=TRICKY, max_size=50))


@given(anything)
def test_accepted_name_is_visible_normal_and_stable(raw: str) -> None:
    try:
        name = clean_name(raw)
    except NameInvalid:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= NAME_SIZE
    assert unicodedata.is_normalized("NFKC", name)
    assert name == name.strip()
    for character in name:
        assert character in JOINERS or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in BIDI


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  Ana   Maria ", "Ana Maria"),
        ("Ａｎａ", "Ana"),
        ("ﬁn", "fin"),
        ("Ana\u00a0M", "Ana M"),
        ("A\u0301gnes", "Ágnes"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("葛\U000e0100", "葛\U000e0100"),
        ("نور", "نور"),
        ("x" * 40, "x" * 40),
        ("<b>&\"'", "<b>&\"'"),
        (f"{ENGLAND} Ann", f"{ENGLAND} Ann"),
        (f"{FAMILY}" * 17, f"{FAMILY}" * 17),
        ("வி" * 40, "வி" * 40),
    ],
)
def test_name_is_kept_as(raw: str, kept: str) -> None:
    assert clean_name(raw) == kept


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "x" * 41,
        "ﷺ" * 3,  # 54 letters once normalised
        "An\0a",
        "An\na",
        "An\ta",
        "An\x1ba",
        "An\x85a",
        "Ana\u202e",  # right-to-left override
        "\u2066Ana\u2069",
        "\u200fAna",
        "A\u061cna",
        "An\u200ba",  # zero-width space
        "An\u2060a",
        "An\ufeffa",
        "An\u00ada",  # soft hyphen
        "An\u034fa",  # combining grapheme joiner: a mark, and invisible
        "An\u17b4a",
        "An\U000e0041a",  # tags
        "\u3164",
        "An\u115fa",
        "\u2800",
        "\u200d",
        "Ana\u200d",
        "A\u200d\u200dna",
        "An\u2028a",
        "An\ud800a",
        "An\u2065a",  # means nothing yet, and will be invisible
        "An\ufff0a",
        "An\U000e0fffa",
        "An\ufdd0a",  # never means anything
        "An\U0001ffffa",
        "An\U0001d159a",  # the head of a note that is no note
        ENGLAND[:-1],
        FAMILY * 18,
        "வி" * 41,
        "\u0301",
        "x" + "\u0323" * (MARKS_IN_A_ROW + 1),
        *(f"Ana {mark}" for mark in sorted(MARKS_OF_TRUST)),
        "✔\ufe0fAna",
        "Ana ꪜ",
        "Anaꪜ",
        "ꪜꪜ Ana",
        "Ana レ",
        "Anaﾚ",
        "Ana レレ",
        "アナ レ",
        "V\u20dd Ana",
        "Ana ∨\u20de",
        "A\u0488na",
        "Ana\u200d✅",
    ],
    ids=ascii,
)
def test_name_is_refused(raw: str) -> None:
    with pytest.raises(NameInvalid) as refused:
        clean_name(raw)
    assert refused.value.sentence


def test_what_this_python_does_not_know_is_a_letter() -> None:
    """All that is unassigned or private, but for what is set apart to be invisible."""
    invisible = {code for first, last in IGNORABLE for code in range(first, last + 1)}
    never = {code for code in range(sys.maxunicode + 1) if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF}
    unknown = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cn", "Co")]
    text = "".join(map(chr, unknown))
    assert set(map(ord, HIDDEN.findall(text))) == set(unknown) & (invisible | never)
    # What has been assigned since may be a mark, which alone is not seen.
    unseen = set(map(ord, VISIBLE.sub("", text))) - (invisible | never)
    assert all(regex.match(r"\p{M}", chr(code)) for code in unseen), [hex(code) for code in unseen][:9]
    assert not HIDDEN.search("".join(map(chr, unseen)))
    for character in NEW:
        assert clean_text(character) == character, ascii(character)
        assert clean_name(character) == clean_name(f" {character}") == character, ascii(character)
        assert clean_name(f"An{character}a") == f"An{character}a", ascii(character)
        assert claims.name({"name": f"Ann {character}"}) == f"Ann {character}", ascii(character)


def test_first_character_is_the_one_that_people_see() -> None:
    firsts = {
        "ann": "A",
        "🇩🇪 Hans": "🇩🇪",
        "🇩🇪🇫🇷": "🇩🇪",
        f"{FAMILY} Ann": FAMILY,
        f"{ENGLAND} Ann": ENGLAND,
        "👍🏽 Ann": "👍🏽",
        "❤\ufe0f\u200d🔥": "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3 Ann": "1\ufe0f\u20e3",
        "🩷 Ann": "🩷",
        "e\u0301va": "E\u0301",
        "x\u0323a": "X\u0323",
        "ßa": "ß",
        "ǆa": "ǅ",
        "ﬁn": "ﬁ",
        "ŉa": "ŉ",
        "ანა": "ა",
        "नि": "नि",
        "\u1100\u1161\u11a8": "\u1100\u1161\u11a8",
        "張": "張",
        "": "",
    }
    wrong = {name: first_character(name) for name, first in firsts.items() if first_character(name) != first}
    assert not wrong


def test_name_with_a_check_mark_is_told_which() -> None:
    with pytest.raises(NameInvalid, match="contains ✓, which looks like the mark of verified people"):
        clean_name("Ana ✓")


def test_other_signs_are_fine_in_a_name() -> None:
    fine = ["Ana ✗", "Ana ☆", "Ana ⚑", "Ana 1\ufe0f\u20e3", "Ana #\u20e3", "Ana V", "Ana ®"]
    # Letters that look like a check mark are letters among their own.
    fine += ["レイ", "アレックス", "グエン・レ", "ヴァレリー", "ꪜꪱꪙ", "ꪼꪕꪜ"]
    assert [clean_name(name) for name in fine] == fine


def test_room_may_be_called_what_nobody_may() -> None:
    assert clean_title("Done ✅") == "Done ✅"


def test_letter_may_carry_the_marks_that_living_scripts_need() -> None:
    assert clean_name("x" + "\u0323" * MARKS_IN_A_ROW)


@given(st.one_of(st.text(max_size=80), st.text(alphabet=TRICKY, max_size=80)))
def test_accepted_text_is_printable_and_stable(raw: str) -> None:
    try:
        text = clean_text(raw)
    except TextInvalid:
        return
    assert clean_text(text) == text
    assert 1 <= len(text) <= TEXT_LENGTH
    assert not {character for character in text if unicodedata.category(character) == "Cc"} - {"\n", "\t"}
    assert text == text.rstrip()


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree"),
        ("\n \n  indented", "  indented"),
        ("tab\there", "tab\there"),
        ("bell\x07", "bell"),
        ("next\x85line", "nextline"),
        ("a\u2028b", "a\u2028b"),
        ("👍", "👍"),
        ("  \n" + "x" * TEXT_LENGTH + "\n\n", "x" * TEXT_LENGTH),
    ],
)
def test_text_is_kept_as(raw: str, kept: str) -> None:
    assert clean_text(raw) == kept


@pytest.mark.parametrize(
    "raw",
    ["", " \t\r\n", "\u200b\u2060\ufeff", "\u3164\u2800\u115f", "\u0301", "x" * (TEXT_LENGTH + 1), "a\0b", "a\ud800"],
    ids=lambda raw: ascii(raw[:9]),
)
def test_text_is_refused(raw: str) -> None:
    with pytest.raises(TextInvalid):
        clean_text(raw)
