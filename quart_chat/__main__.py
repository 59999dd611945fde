"""`python -m quart_chat` is the `quart-chat` command."""

from quart_chat.cli import main

main()
