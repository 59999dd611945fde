"""An accent colour that can be read wherever it stands, by the contrast of https://www.w3.org/TR/WCAG22/."""

import colorsys
import functools
from dataclasses import dataclass
from typing import Self

CONTRAST = 4.5
"""Of text on what is behind it (WCAG 2.2, 1.4.3)."""

STEP = 0.01
"""Of lightness, from 0 to 1."""

LIGHT, DARK = "f5f5f2", "24282c"
"""The darkest light and the lightest dark surface of `static/css/colours.css`."""

BLACK, WHITE = "0d1822", "ffffff"

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Accent:
    """One hue for both themes, each with the colour of text on it. All are six hexadecimal digits."""

    light: str
    on_light: str
    dark: str
    on_dark: str

    @classmethod
    @functools.lru_cache(256)
    def of(cls, colour: str) -> Self:
        """The accent nearest to `colour` that can be read on light and on dark surfaces."""
        light, dark = _readable(colour, LIGHT, -STEP), _readable(colour, DARK, STEP)
        return cls(light, _text_on(light), dark, _text_on(dark))


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, surface: str, step: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    while contrast(colour, surface) < CONTRAST and 0 < lightness + step < 1:
        lightness += step
        colour = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


def _text_on(colour: str) -> str:
    return max(BLACK, WHITE, key=lambda text: contrast(text, colour))


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "".join(f"{round(255 * part):02x}" for part in colour)


def _luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
