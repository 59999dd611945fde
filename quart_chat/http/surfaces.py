"""What a route takes from whom, and how it refuses: said by its blueprint, or by the route itself.

Where nothing is said, that is as little as can be: reading by this site's own pages and by programs, and a refusal that
shows nothing but a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from quart import Blueprint as QuartBlueprint
from quart import Quart

FORM = "application/x-www-form-urlencoded"

FORM_LENGTH = 128 * 1024
"""Bytes in a form: 8,000 characters of four bytes, each written as `%XX`, and room for the other fields."""

View = TypeVar("View", bound=Callable[..., Any])


class Refusal(Enum):
    """How it is said that something was refused."""

    TEXT = auto()
    """A line. Never HTML: a stream's client could take it for content, or for a reason to ask again at once."""
    PAGE = auto()
    """A page, with what was sent still in its form; for htmx a fragment."""


@dataclass(frozen=True, slots=True)
class Surface:
    """All that is asked before a route sees a request."""

    refusal: Refusal = Refusal.TEXT
    foreign: bool = False
    """Whether other sites' pages may have a browser ask for it: by a link, a picture, a frame. For reading alone; what
    changes something has to come from this site's own pages."""
    programs: bool = False
    """Whether it may also come from a program, which says nothing of where it comes from. It MUST then need something
    that no browser sends by itself."""
    length: int = 0
    """Bytes in a body at most. What is longer than a form comes to the route in parts."""
    kinds: tuple[str, ...] = ()
    """Media types of a body."""
    held: bool = False
    """Whether the answer is held back while the client may leave."""


STRICTEST = Surface()

PAGES = Surface(Refusal.PAGE, foreign=True, length=FORM_LENGTH, kinds=(FORM,))
"""Pages, and the forms on them."""

QUESTIONS = Surface(Refusal.PAGE)
"""Pages on which one press destroys or decides something: another site must not have one open behind a window of its
own, which goes away between the two presses of a double click."""


class Blueprint(QuartBlueprint):
    """Quart's, with the surface of its routes. Quart's own is taken for one that says nothing."""

    def __init__(
        self, name: str, import_name: str, surface: Surface = STRICTEST, *, url_prefix: str | None = None
    ) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self._surface = surface
        self._others: dict[str, Surface] = {}

    def but(self, surface: Surface) -> Callable[[View], View]:
        """One of its routes has another. Its endpoint MUST have the name of its view."""

        def note(view: View) -> View:
            self._others[view.__name__] = surface
            return view

        return note

    def surface(self, view: str = "") -> Surface:
        return self._others.get(view, self._surface)


def surface_of(app: Quart, endpoint: str) -> Surface:
    """Of a route."""
    name, _, view = endpoint.partition(".")
    blueprint = app.blueprints.get(name)
    return blueprint.surface(view) if isinstance(blueprint, Blueprint) else STRICTEST


def surface_around(app: Quart, path: str) -> Surface:
    """Where no route is: that of the blueprint whose prefix the path has, else that of pages."""
    for blueprint in app.blueprints.values():
        prefix = blueprint.url_prefix
        if isinstance(blueprint, Blueprint) and prefix and f"{path}/".startswith(f"{prefix}/"):
            return blueprint.surface()
    return PAGES


def held_paths(app: Quart) -> frozenset[str]:
    """The paths of routes whose answers are held. No part of them varies."""
    return frozenset(rule.rule for rule in app.url_map.iter_rules() if surface_of(app, rule.endpoint).held)
