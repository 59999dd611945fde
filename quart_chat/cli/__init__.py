"""The `quart-chat` command. What a command alone needs it imports itself: the others start in a third of the time."""

import logging
import sys
from pathlib import Path

import click
import structlog

from quart_chat.cli.backup import backup, restore
from quart_chat.cli.beside import OneLine, database_option
from quart_chat.cli.embed_keys import embed_key, room_group
from quart_chat.cli.fetch_htmx import fetch_htmx
from quart_chat.cli.moderation import let_in, message_group, moderator, remove, user_group
from quart_chat.config import load_config
from quart_chat.errors import StartupError


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


for command in (backup, restore, embed_key, room_group, user_group, message_group, fetch_htmx):
    main.add_command(command)
for command in (remove, let_in, moderator):
    room_group.add_command(command)


@main.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen. [default: 127.0.0.1:8000, from hypercorn.toml]")
@database_option
@click.option(
    "--config",
    "hypercorn_toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings of the HTTP server. [default: ./hypercorn.toml, else the one that came with quart-chat]",
)
def serve(bind: str | None, database: str | None, hypercorn_toml: Path | None) -> None:
    """Run the chat until Ctrl+C or SIGTERM. Everything else is set with QUART_CHAT_* variables."""
    from quart_chat.server import serve as serve_app

    given = {"bind": bind, "database_url": database}
    try:
        config = load_config(**{name: value for name, value in given.items() if value is not None})
        serve_app(config, hypercorn_toml)
    except StartupError as error:
        raise OneLine(str(error)) from error


@main.command()
@click.argument("url")
@click.option(
    "--idle",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 120),
    default=20,
    show_default=True,
    help="How long a connection is silent, to see whether it is cut. At most 120.",
)
@click.option("--json", "for_programs", is_flag=True, help="Print everything that was measured as JSON.")
def diagnose(url: str, idle: float, for_programs: bool) -> None:
    """Measure what the network between here and the chat at URL does to it.

    Proxies are used as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say. Exits with 0 where live updates get through, with 1
    where they do not, with 2 where there is nothing to measure.
    """
    from quart_chat.diagnose.client import Unusable, server
    from quart_chat.diagnose.measuring import measure
    from quart_chat.diagnose.report import as_json, report
    from quart_chat.diagnose.verdict import findings, streams

    try:
        measured = measure(server(url), idle, lambda step: click.echo(step, err=True))
    except Unusable as error:
        raise OneLine(str(error)) from error
    found = findings(measured)
    click.echo(as_json(measured, found) if for_programs else report(measured, found))
    sys.exit({True: 0, False: 1, None: 2}[streams(found)])
