"""Scripts, styles and pictures, under an address that changes with their content."""

from quart import Blueprint, send_from_directory
from quart.wrappers import Response

from quart_chat import assets

blueprint = Blueprint("static_files", __name__)

YEAR = 365 * 24 * 3600


@blueprint.get("/static/<fingerprint>/<path:name>")
async def show(fingerprint: str, name: str) -> Response:
    root = assets.folder("static")
    response = await send_from_directory(root, name)
    current = fingerprint == assets.fingerprint(root)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
    return response
