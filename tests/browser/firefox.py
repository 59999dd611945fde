"""The machine's own Firefox, driven over WebDriver BiDi: nothing in it is patched."""

from playwright.async_api import Browser, BrowserType

from tests.network.programs import find, need

Preferences = dict[str, str | float | bool]


async def start_firefox(firefox: BrowserType, preferences: Preferences) -> Browser:
    """Skips the test where there is none."""
    need("firefox-esr")
    return await firefox.launch(
        channel="moz-firefox", executable_path=find("firefox-esr"), firefox_user_prefs=preferences
    )
