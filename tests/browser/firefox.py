"""The machine's own Firefox, driven over WebDriver BiDi: nothing in it is patched."""

from playwright.async_api import Browser, BrowserType

from tests.browser.contexts import Options
from tests.network.programs import find, need

Preferences = dict[str, str | float | bool]

ALWAYS: Preferences = {
    "fission.webContentIsolationStrategy": 0,  # in one process, or keys and clicks do not reach frames of other sites
    "dom.events.testing.asyncClipboard": True,  # the driver cannot allow it
}

OPTIONS: list[tuple[str, object, Preferences]] = [
    # Coarse, and nothing hovers; bars for scrolling lie above what is scrolled.
    (
        "has_touch",
        True,
        {"ui.primaryPointerCapabilities": 1, "ui.allPointerCapabilities": 1, "ui.useOverlayScrollbars": 1},
    ),
    ("reduced_motion", "reduce", {"ui.prefersReducedMotion": 1}),
    ("color_scheme", "dark", {"layout.css.prefers-color-scheme.content-override": 0}),
    ("forced_colors", "active", {"browser.display.document_color_use": 2}),
]
"""Options of a context that the driver passes over without a word, and what a whole browser has in their place."""

NO_SCRIPTS = "sandbox allow-forms allow-popups allow-same-origin"
"""A policy under which a page runs none and <noscript> is read. The driver cannot stop scripts, and does not say so;
where a preference stops them, it stands still itself."""


async def start_firefox(firefox: BrowserType, preferences: Preferences) -> Browser:
    """Skips the test where there is none."""
    need("firefox-esr")
    return await firefox.launch(
        channel="moz-firefox", executable_path=find("firefox-esr"), firefox_user_prefs=ALWAYS | preferences
    )


def asked_of_a_whole_browser(options: Options) -> Preferences:
    asked: Preferences = {}
    for option, value, preferences in OPTIONS:
        if options.get(option) == value:
            asked |= preferences
    return asked
