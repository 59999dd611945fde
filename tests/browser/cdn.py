"""The CDN's address is answered with the files of the npm package, so that the browser really checks their hashes."""

from playwright.async_api import Route

from quart_chat import assets

VENDOR = assets.folder("static") / "vendor"


async def answer_as_cdn(route: Route) -> None:
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(
        body=(VENDOR / name).read_bytes(),
        content_type="application/javascript",
        headers={"Access-Control-Allow-Origin": "*"},
    )
