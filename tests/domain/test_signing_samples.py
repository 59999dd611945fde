"""The samples that sites sign with, in each language, run as they are."""

import sys
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from quart_chat.domain import embed_keys, embeds, rooms
from quart_chat.domain.actors import CONSOLE
from quart_chat.domain.chat import Chat, milliseconds
from quart_chat.domain.embed_keys import NewKey
from quart_chat.identity import site_tokens
from tests.domain.test_site_tokens import verify
from tests.network.programs import need
from tests.serving import run

SAMPLES = Path(__file__).parents[2] / "examples" / "signing"
LANGUAGES = {"python": "sign.py", "node": "sign.mjs", "php": "sign.php"}

LIFETIME = 300
"""Seconds that each of them gives a token."""


@pytest.fixture(params=LANGUAGES)
def sample(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command that runs a sample; skipped by name where its interpreter is not there."""
    language = request.param
    if language != "python":
        need(language)
    return (sys.executable if language == "python" else language, str(SAMPLES / LANGUAGES[language]))


@pytest.fixture
def chat_now(chat: Chat) -> Chat:
    """The chat by the time that the samples see."""
    return replace(chat, now=milliseconds)


async def user_key(chat: Chat, subject: str) -> str:
    return site_tokens.user_key(chat.secret, await rooms.find(chat, "lobby", CONSOLE), subject)


async def sign(folder: Path, sample: tuple[str, ...], key: NewKey, *arguments: str) -> str:
    ended = await run(folder, *sample, *arguments, key_id=key.key.id, key=key.secret.strip())
    assert (ended.code, ended.err) == (0, ""), ended
    assert ended.out.count("\n") == 1
    return ended.out.strip()


@pytest.mark.parametrize("algorithm", embed_keys.ALGORITHMS)
async def test_sample_signs_what_is_accepted(
    chat_now: Chat, tmp_path: Path, sample: tuple[str, ...], algorithm: str
) -> None:
    await embeds.change(chat_now, "lobby", CONSOLE, add=["https://www.example.org"])
    key = await embed_keys.create(chat_now, "lobby", CONSOLE, algorithm)
    picture = "https://www.example.org/a/b.png?c=1&d=%C3%A9"
    for name, rest in (("Ana", ()), ('Zoë 张 👩‍💻 \\"/', ()), ("Ana", (picture, "moderator")), ("Ana", ("", "member"))):
        token = await sign(tmp_path, sample, key, "lobby", "12345", name, *rest)
        before = milliseconds()
        found = await verify(chat_now, "lobby", token, local=False)
        assert found.user.name == name
        assert (found.user.avatar or "", found.user.role or "") == (*rest, "", "")[:2]
        assert found.user.key == await user_key(chat_now, "12345")
        assert before - 5_000 < found.expires_at - LIFETIME * 1000 <= before


async def test_sample_gives_no_two_tokens_the_same_id(chat_now: Chat, tmp_path: Path, sample: tuple[str, ...]) -> None:
    key = await embed_keys.create(chat_now, "lobby", CONSOLE, "HS256")
    tokens = [await sign(tmp_path, sample, key, "lobby", "1", "Ana") for _ in range(2)]
    ids = {jwt.decode(token, key.secret, ["HS256"])["jti"] for token in tokens}
    assert len(ids) == 2


async def test_sample_says_how_it_is_used(tmp_path: Path, sample: tuple[str, ...]) -> None:
    ended = await run(tmp_path, *sample)
    assert (ended.code, ended.out) == (1, "")
    assert "ROOM SUBJECT NAME [AVATAR [ROLE]]" in ended.err
