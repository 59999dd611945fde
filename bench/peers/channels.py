"""Django Channels on Daphne over WebSockets: one group, the in-memory layer, a message encoded once and sent to all."""

import sys

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="benchmark",  # it signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    CHANNEL_LAYERS={
        # The default capacity of 100 drops what a slow reader has not taken.
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1_000_000}}
    },
)
django.setup()


class Reader(AsyncWebsocketConsumer):  # type: ignore[misc]
    groups = ["room"]  # noqa: RUF012  # as Channels documents it

    async def connect(self) -> None:
        await self.accept()
        await self.send("hello")

    async def message(self, event: dict[str, str]) -> None:
        await self.send(event["text"])


async def post(request: HttpRequest) -> HttpResponse:
    await get_channel_layer().group_send("room", {"type": "message", "text": request.body.decode()})
    return HttpResponse(status=201)


async def healthz(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("post", post), path("healthz", healthz)]
application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("stream", Reader.as_asgi())])}
)

if __name__ == "__main__":
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=int(sys.argv[1]))
    Server(application, endpoints=[f"{endpoint}:backlog=4096" for endpoint in endpoints], verbosity=0).run()
