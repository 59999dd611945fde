"""What the routes work with."""

from dataclasses import dataclass, field

from quart_chat.config import Config
from quart_chat.domain.chat import Chat
from quart_chat.hosts import Hosts, known
from quart_chat.http.allowance import Allowance
from quart_chat.http.underway import UnderWay
from quart_chat.streaming.feeds import Feeds
from quart_chat.view.pages import Pages
from quart_chat.view.templates import Templates

EACH = 8 * 1024 * 1024
EVERYBODY = 128 * 1024 * 1024
"""Bytes of what is received and not whole yet, and of answers that nobody has taken yet: of one address, and in all. An
address's share is for 64 of the largest forms, or 20 of the largest pages, at a time."""


@dataclass(slots=True)
class Serving:
    """One app's settings and templates, and, while it serves, its open resources."""

    config: Config
    templates: Templates
    local: bool = False
    """Whether the server listens to its own machine alone."""
    hosts: Hosts = field(init=False)
    """The names that the server answers to."""
    pages: Pages = field(init=False)
    allowance: Allowance = field(init=False)
    bodies: UnderWay = field(init=False)
    answers: UnderWay = field(init=False)
    held: frozenset[str] = frozenset()
    """The paths whose answers are held back while Quart listens to the client."""
    _open: tuple[Chat, Feeds] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.hosts = known(self.config.public_url, self.config.host_names)
        self.pages = Pages(self.templates)
        limited = self.config.limits == "on"
        self.allowance = Allowance(limited=limited)
        self.bodies = UnderWay(EACH, EVERYBODY, limited=limited)
        self.answers = UnderWay(EACH, EVERYBODY, limited=limited)

    def opened(self, chat: Chat, feeds: Feeds) -> None:
        self._open = (chat, feeds)

    @property
    def chat(self) -> Chat:
        return self._resources()[0]

    @property
    def feeds(self) -> Feeds:
        return self._resources()[1]

    def _resources(self) -> tuple[Chat, Feeds]:
        if self._open is None:
            raise RuntimeError("the app is not serving: the ASGI server did not run its lifespan")
        return self._open
