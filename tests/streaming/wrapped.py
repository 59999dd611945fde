"""The `quart-chat` command with an operator's middleware around the app, which wraps `send` as many do: a script."""

from quart import Quart

from quart_chat import cli, server
from quart_chat.app import create_app
from quart_chat.asgi import App, Message, Receive, Scope, Send
from quart_chat.config import Config


class WrapsSend:
    """Passes everything on."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def wrapped(message: Message) -> None:
            await send(message)

        await self._app(scope, receive, wrapped)


def create_wrapped(config: Config | None = None, *, local: bool = False) -> Quart:
    app = create_app(config, local=local)
    app.asgi_app = WrapsSend(app.asgi_app)  # type: ignore[assignment, method-assign]
    return app


if __name__ == "__main__":
    server.create_app = create_wrapped
    cli.main()
