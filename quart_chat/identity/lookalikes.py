"""Which names look the same to people.

As Unicode's confusable detection has it (https://www.unicode.org/reports/tr39/#Confusable_Detection), and further: by
case, by accents, by digits like letters, and by what stands between letters, people are not told apart.
"""

import functools
import re
import unicodedata

import regex
from confusable_homoglyphs.confusables import confusables_data

from quart_chat.text import UNSEEN

SAME = {"i": "l", "0": "o", "1": "l"}
"""What the data keeps apart and a small sans-serif does not: I is l there, so its small form is l too."""

ACCENTS = ((0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
"""Blocks of marks that are of no script, and those of Cyrillic, which no word needs: a dot below a letter is
overlooked. Marks of one script (vowels in Devanagari, Thai, Arabic) are not among them: without those, other names
would be left. On letters of another script those are overlooked, too."""

ROUNDS = 8
"""Foldings of a character until it stays the same; the data needs 4."""

PASSED_OVER = regex.compile(rf"(?V1)[\p{{P}}\p{{Sk}}\p{{Variation_Selector}}\u0640\u07fa{UNSEEN}]")
"""What is invisible, space or punctuation, and two letters that draw words of Arabic and N'Ko out. What this Unicode
does not know yet is a letter."""

LETTER = regex.compile(r"[\p{L}\p{N}]")
KEPT = regex.compile(r"(?V1)[[\p{L}\p{N}\p{M}]--\p{Lm}]")

CASINGS = (str, str.lower, str.upper, str.title)


@functools.lru_cache(10_000)
def skeleton(name: str) -> str:
    """What `name` looks like, not to be shown: names that look the same have one skeleton, and it is its own.

    Shapes go before cases: a Greek capital Nu is an N here and not a v, as its small letter would be.
    """
    letters = [character for character in unicodedata.normalize("NFKD", name) if not _is_passed_over(character)]
    folded = unicodedata.normalize("NFKD", "".join(map(_fold, letters)))
    return _without_foreign_marks(folded) or _without_letters(name)


def skeletons(name: str) -> frozenset[str]:
    """Those of `name` however its letters are cased, for whoever may not have the name of somebody else.

    One is not enough outside of Latin: small and capital letters of one name may look like different Latin ones.
    """
    return frozenset(skeleton(change(name)) for change in CASINGS)


def _without_foreign_marks(folded: str) -> str:
    """Without those that stand on a letter of another script, as it looks: what has become a Latin letter by its shape
    bears no mark of where it came from. Nor does a mark count that stands before every letter."""
    kept, base = [], ""
    for character in folded:
        if unicodedata.category(character) != "Mn":
            base = character
        elif not base or not _scripts(character) & _scripts(base):
            continue
        kept.append(character)
    return "".join(kept)


@functools.lru_cache(10_000)
def _scripts(character: str) -> frozenset[str]:
    """The scripts of a letter or a mark, by what its name begins with."""
    words = unicodedata.name(character, "").removeprefix("COMBINING ").partition(" ")[0].split("-")
    # Some letters of Katakana are folded to the ideographs that they look like, and keep their voicing there.
    return frozenset([*words, "CJK"] if "KATAKANA" in words else words)


def _without_letters(name: str) -> str:
    """A name of full stops alone looks like itself, whatever space is between them."""
    name = unicodedata.normalize("NFKC", name)
    return unicodedata.normalize("NFKC", re.sub(r"\s", "", name)) or name


@functools.lru_cache(10_000)
def _fold(character: str) -> str:
    """The letters that a character looks like, small."""
    folded = character
    for _ in range(ROUNDS):
        before = folded
        folded = "".join(_prototypes().get(each, each) for each in folded)
        folded = unicodedata.normalize("NFKD", folded.casefold())
        folded = "".join(SAME.get(each, each) for each in folded if not _is_passed_over(each))
        if folded == before:
            break
    return folded


@functools.cache
def _prototypes() -> dict[str, str]:
    """Each character that stands for another or for several, and those.

    The package's data lists every pair in both directions: a character with its prototype alone, a prototype with
    everything that looks like it.
    """
    found = {}
    for key, entries in confusables_data.items():
        source = _cleaned(key)
        if len(source) != 1 or len(entries) != 1:
            continue
        prototype = _cleaned(entries[0]["c"])
        alone = len(confusables_data[entries[0]["c"]]) == 1
        if alone and (len(prototype), source) < (1, prototype):
            continue
        # No letter vanishes by its looks: one like a stroke is one, and so is a vowel like an accent. Modifiers may: an
        # apostrophe is among them.
        if KEPT.match(source) and not LETTER.search(prototype):
            continue
        found[source] = prototype
    return found


def _cleaned(text: str) -> str:
    return text.replace("\u200e", "")  # marks around what is written from right to left


def _is_passed_over(character: str) -> bool:
    if PASSED_OVER.match(character):
        return True
    code = ord(character)
    return unicodedata.category(character)[0] == "M" and any(first <= code <= last for first, last in ACCENTS)
