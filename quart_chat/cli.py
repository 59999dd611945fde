"""The `quart-chat` command."""

import logging
import sys
from pathlib import Path

import click
import structlog

from quart_chat import assets, vendor
from quart_chat.config import load_config
from quart_chat.errors import StartupError
from quart_chat.server import serve as serve_app


class OneLine(click.ClickException):
    """What stops a command, in one line on standard error."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"quart-chat: {self.message}", err=True)


@click.group()
@click.version_option(package_name="quart-chat")
def main() -> None:
    """A chat room that goes on any web page and through any network."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


@main.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen. [default: 127.0.0.1:8000, from hypercorn.toml]")
@click.option("--database", metavar="URL", help="Where messages are kept. [default: sqlite:///quart_chat.db]")
@click.option(
    "--config",
    "hypercorn_toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings of the HTTP server. [default: ./hypercorn.toml, else the one that came with quart-chat]",
)
def serve(bind: str | None, database: str | None, hypercorn_toml: Path | None) -> None:
    """Run the chat until Ctrl+C or SIGTERM. Everything else is set with QUART_CHAT_* variables."""
    given = {"bind": bind, "database_url": database}
    try:
        config = load_config(**{name: value for name, value in given.items() if value is not None})
        serve_app(config, hypercorn_toml)
    except StartupError as error:
        raise OneLine(str(error)) from error


@main.command()
def fetch_htmx() -> None:
    """Fetch the local copy of htmx that serves networks in which the CDN is blocked."""
    folder = assets.folder("static") / "vendor"
    if vendor.is_complete(folder):
        return
    try:
        source = vendor.fetch(folder)
    except (vendor.FetchError, OSError) as error:
        click.echo(f"htmx {vendor.VERSION} could not be fetched ({error}).", err=True)
        click.echo("Pages will load it from the CDN alone. Run `quart-chat fetch-htmx` again later.", err=True)
        return
    click.echo(f"Fetched htmx {vendor.VERSION} from {source} into {folder}.")
