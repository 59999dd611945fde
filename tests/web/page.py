"""HTML as a browser understands it: elements with their attributes and texts, entities decoded."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    """Everything inside, that of its descendants too."""


@dataclass
class Page(HTMLParser):
    """A page or a fragment. What is inside `<template>` is not shown, so it is not here."""

    html: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.html)
        self.close()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def by_id(self, id: str) -> Element:
        (found,) = [element for element in self.elements if element.attributes.get("id") == id]
        return found

    def by_class(self, name: str) -> list[Element]:
        return [element for element in self.elements if name in (element.attributes.get("class") or "").split()]

    def field(self, name: str) -> str:
        """What a form field holds."""
        (found,) = [element for element in self.elements if element.attributes.get("name") == name]
        return found.text if found.tag == "textarea" else found.attributes.get("value") or ""

    @property
    def texts(self) -> list[str]:
        """The messages shown."""
        return [element.text for element in self.by_class("message-text")]

    @property
    def alert(self) -> str:
        """The sentence about what went wrong."""
        return " ".join(element.text for element in self.elements if element.attributes.get("role") == "alert").strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        if not any(outer.tag == "template" for outer in self._open):
            self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data
