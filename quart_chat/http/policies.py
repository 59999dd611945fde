"""What a page may do, and who may frame it, as its Content-Security-Policy says (https://www.w3.org/TR/CSP3/)."""

from dataclasses import dataclass

NOBODY = ("'none'",)
OWN = "'self'"


@dataclass(frozen=True, slots=True)
class Policy:
    """What one page needs. Every list is of source expressions."""

    ancestors: tuple[str, ...] = NOBODY
    """Who may show it in a frame."""
    images: tuple[str, ...] = ()
    """Whose pictures it shows besides this site's own."""
    frames: bool = False
    """Whether it shows frames of this site."""
    anywhere: bool = False
    """Whether pages may show it that are isolated from whatever does not say that it may be shown."""

    def header(self, nonce: str) -> bytes:
        """Everything starts from nothing: scripts and styles need this response's nonce."""
        source = f"'nonce-{nonce}'"
        frames = "frame-src 'self'; " if self.frames else ""
        return (
            f"default-src 'none'; script-src {source}; style-src {source}; img-src {' '.join((OWN, *self.images))}; "
            f"connect-src 'self'; manifest-src 'self'; {frames}form-action 'self'; base-uri 'none'; "
            f"frame-ancestors {' '.join(self.ancestors)}"
        ).encode()


EVERY_PAGE = Policy()
