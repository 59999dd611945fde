"""Which names count as looking the same, and which do not."""

import sys

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import given
from hypothesis import strategies as st

from quart_chat.errors import NameInvalid
from quart_chat.identity.lookalikes import skeleton, skeletons
from quart_chat.text import clean_name

TRICKY = "aAnNoO01lIi|mrn .-_'ʼΝνСсоО\u0301\u0323\u200c\u200d\ufe0f一ーßſİıKÅ😀कि\u3099ـ"
names = st.one_of(st.text(max_size=40), st.text(alphabet=TRICKY, max_size=30))


@pytest.mark.parametrize(
    ("name", "imitation"),
    [
        ("Ana", "ana"),
        ("Ana", "Аnа"),  # Cyrillic A
        ("Anna", "ΑΝΝΑ"),  # Greek capitals
        ("Ana", "Αna"),
        ("Ana", "Ａｎａ"),
        ("Ana", "𝓐𝓷𝓪"),
        ("Ana", "Ana."),
        ("Ana", "A na"),
        ("Ana", "A-n_a"),
        ("Ana", "«Ana»"),
        ("Ana", "A\u200dna"),
        ("Ana", "Ana\ufe0f"),
        ("Ana", "Ánạ"),
        ("Ana", "Anaʼ"),
        ("Sigrid", "Sig\u05b4rid"),  # marks of one script on letters of another: Hebrew hiriq and dagesh,
        ("Sigrid", "Si\u05bcgrid"),
        ("Sigrid", "S\u0483igrid"),  # a Cyrillic titlo,
        ("Sigrid", "\u05b4Sigrid"),  # one that stands on nothing,
        ("Ната", "Н\u0483ата"),
        ("Ната", "На\u05b4та"),
        ("Ana", "A\u064ena"),  # Arabic, Devanagari, Thai, Syriac, kana,
        ("Ana", "An\u0901a"),
        ("Ana", "Ana\u0e34"),
        ("Ana", "A\u0730na"),
        ("Ana", "Ana\u3099"),
        ("Ana", "А\u05b4nа\u0730"),
        ("क", "क\u0e34"),
        ("Ana 2", "Ana 2\u05b4"),
        ("Maria", "rnaria"),
        ("Maria", "ⅿaria"),
        ("Bob", "B0b"),
        ("Bob", "Bοb"),
        ("Bill", "BiII"),
        ("Bill", "Bi11"),
        ("Bill", "Bil|"),
        ("Ian", "lan"),
        ("Mini", "Mlnl"),
        ("mini", "MINI"),
        ("ᚼ", "ᛡ"),  # each the only one like the other
        ("Lea", "Iea"),
        ("Lukasz", "Łukasz"),
        ("Soren", "Søren"),
        ("Muller", "Müller"),
        ("O'Brien", "O’Brien"),
        ("Straße", "STRASSE"),
        ("Ana Maria", "anamaria"),
        ("Ната", "Hата"),
        ("محمد", "محـمد"),
        ("..", ". ."),
    ],
)
def test_imitation_has_the_same_skeleton(name: str, imitation: str) -> None:
    assert name != imitation
    assert skeleton(name) == skeleton(imitation)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ana", "Anna"),
        ("Ana", "Ava"),
        ("Ana", "Ina"),
        ("Ana", "Ana 2"),
        ("Ana", "Ana🔥"),
        ("Bob", "Rob"),
        ("张", "张一"),  # a letter like a dash is no dash
        ("क", "कि"),  # a vowel is a mark here, and no accent
        ("مَ", "م"),
        ("कँ", "क"),
        ("דין", "דן"),  # nor is one like an apostrophe an apostrophe
        ("ノリ", "リ"),
        ("か", "が"),
        ("ハル", "バル"),
        ("バル", "パル"),
        ("タロ", "ダロ"),
        ("שִ", "ש"),
        ("ก", "กิ"),
        ("...", "--"),
        ("Ana", "Ana🩷"),  # newer than some a Python
        ("Ana🩷", "Ana🩵"),
        ("Ana\ue000", "Ana\ue001"),
    ],
)
def test_other_name_has_another_skeleton(name: str, other: str) -> None:
    assert skeleton(name) != skeleton(other)


@pytest.mark.parametrize("name", ["Νίκος", "Ната", "Ελένη", "Вера", "Ana", "Գոհար"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_casing_does_not_make_another_name(name: str, case: type[str]) -> None:
    assert skeleton(name) in skeletons(case(name))


@given(names)
def test_skeleton_is_its_own_and_never_empty(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)
    assert bool(skeleton(name)) == bool(name)
    assert skeleton(name) in skeletons(name)


@given(names)
def test_name_as_it_is_kept_has_the_skeleton_of_what_was_typed(raw: str) -> None:
    try:
        name = clean_name(raw)
    except NameInvalid:
        return
    assert skeleton(name) == skeleton(raw)


@given(names, st.sampled_from(" .,-_·'\u0323\ufe0f\u200d"), st.integers(0, 40))
def test_what_stands_between_letters_changes_nothing(rest: str, between: str, at: int) -> None:
    name = "x" + rest
    assert skeleton(name[:at] + between + name[at:]) == skeleton(name)


def test_characters_fold_to_their_end() -> None:
    """All that the data speaks of, and one of eleven others."""
    fold = skeleton.__wrapped__
    for text in (*confusables_data, *map(chr, range(0, sys.maxunicode + 1, 11))):
        folded = fold(text)
        assert fold(folded) == folded, ascii(text)
