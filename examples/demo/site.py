"""A bakery's site: people sign in there, and are known in the room that its pages show.

What a site needs is `token` and the two lines that `static/site.js` has; the rest is what sites have anyway.
"""

import secrets

from quart import Quart, Response, redirect, render_template, request, session

from examples.signing.sign import sign

PEOPLE = ("Ana", "Bo", "Chidi")
"""Who can sign in. A real site asks for a password."""

WAYS = {"": "In the page", "bubble": "As a bubble", "frame": "Without a script", "own-colours": "In the site’s colours"}


def create_site(chat: str, *, key_id: str, key: str) -> Quart:
    """A site that shows the lobby of the chat at this origin, and signs with this key of it."""
    site = Quart(__name__)
    site.secret_key = secrets.token_urlsafe(32)
    # Strict on purpose: a room needs two sources and nothing else.
    policy = (
        f"default-src 'none'; script-src 'self' {chat}; frame-src {chat}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    @site.after_request
    async def add_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    @site.get("/")
    @site.get("/<way>")
    async def show(way: str = "") -> tuple[str, int]:
        known = way in WAYS
        page = await render_template(
            "page.html", chat=chat, way=way if known else "", ways=WAYS, people=PEOPLE, user=session.get("user")
        )
        return page, 200 if known else 404

    @site.post("/sign-in")
    async def sign_in():  # type: ignore[no-untyped-def]
        name = (await request.form).get("name")
        if name in PEOPLE:
            session["user"] = name
        return redirect(request.referrer or "/", 303)

    @site.post("/sign-out")
    async def sign_out():  # type: ignore[no-untyped-def]
        session.clear()
        return redirect(request.referrer or "/", 303)

    @site.get("/chat-token")
    async def token() -> tuple[str, int]:
        """Who is signed in here, signed for the chat. Nobody else's page can read it."""
        user = session.get("user")
        if user is None:
            return "", 204
        role = "moderator" if user == "Ana" else "member"
        return sign(key_id, key, room="lobby", subject=user.lower(), name=user, role=role), 200

    return site
