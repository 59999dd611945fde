"""Tokens that a site has signed, and those that somebody else has made up: what is accepted, and which words say why
not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from quart_chat.domain import access, embed_keys, embeds
from quart_chat.domain.actors import CONSOLE, Asker, Embed, SiteToken
from quart_chat.domain.chat import Chat
from quart_chat.domain.embed_keys import NewKey
from quart_chat.errors import IdentityExpired, IdentityRefused, RoomNotFound
from quart_chat.identity import claims, site_tokens
from quart_chat.identity.site_tokens import Signed
from tests.domain.conftest import START, Clock
from tests.rows import Rows

NONE: Any = object()
"""A claim or header that is left out."""


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(header: object, payload: object, sign: Callable[[bytes], bytes]) -> str:
    """A token of any shape, made by hand: a library refuses to make the bad ones. Bytes go in as they are."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signing_input = ".".join(map(encoded, parts))
    return f"{signing_input}.{encoded(sign(signing_input.encode()))}"


def hs256(secret: str) -> Callable[[bytes], bytes]:
    return lambda data: hmac.digest(secret.encode(), data, hashlib.sha256)


def eddsa(pem: str) -> Callable[[bytes], bytes]:
    private = load_pem_private_key(pem.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return private.sign


@dataclass
class Site:
    """The site of a room, which has its key."""

    key: NewKey
    slug: str = "lobby"

    def sign(self, data: bytes) -> bytes:
        return (hs256 if self.key.key.algorithm == "HS256" else eddsa)(self.key.secret)(data)

    def header(self, changed: Mapping[str, object]) -> dict[str, object]:
        header = {"alg": self.key.key.algorithm, "kid": self.key.key.id, "typ": "JWT"} | changed
        return {name: value for name, value in header.items() if value is not NONE}

    def claims(self, changed: Mapping[str, object]) -> dict[str, object]:
        claims = {"room": self.slug, "sub": "u-1", "name": "Ana", "exp": START + 300, "jti": "j-1"} | changed
        return {name: value for name, value in claims.items() if value is not NONE}

    def token(self, header: Mapping[str, object] | None = None, **changed: object) -> str:
        return token(self.header(header or {}), self.claims(changed), self.sign)


@pytest.fixture(params=["HS256", "EdDSA"])
async def site(chat: Chat, request: pytest.FixtureRequest) -> Site:
    await embeds.change(chat, "lobby", CONSOLE, add=["https://www.example.org", "https://*.cdn.example"])
    return Site(await embed_keys.create(chat, "lobby", CONSOLE, request.param))


async def verify(chat: Chat, slug: str, text: str, *, local: bool) -> Signed:
    _, signed = await access.identify(chat, slug, Asker(SiteToken(text), None, "", Embed("", local)))
    assert signed
    return signed


async def refusal(chat: Chat, text: str, slug: str = "lobby") -> IdentityRefused:
    with pytest.raises(IdentityRefused) as refused:
        await verify(chat, slug, text, local=False)
    return refused.value


async def test_site_says_who_it_is(chat: Chat, site: Site) -> None:
    text = site.token(avatar="https://www.example.org/ana.png?s=64", role="moderator", iat=START, nbf=START)
    found = await verify(chat, "lobby", text, local=False)
    assert found.expires_at == (START + 300) * 1000
    user = found.user
    assert (user.id, user.name, user.avatar, user.role) == (
        0,
        "Ana",
        "https://www.example.org/ana.png?s=64",
        "moderator",
    )
    assert user.verified
    assert user.created_at == START * 1000


ACCEPTED: dict[str, dict[str, object]] = {
    "bare": {},
    "expired within skew": {"exp": START - claims.LEEWAY + 1},
    "for an hour": {"exp": START + claims.LONGEST},
    "for an hour of a fast clock": {"exp": START + claims.LONGEST + claims.LEEWAY},
    "fractions of seconds": {"exp": START + 0.5},
    "nbf within skew": {"nbf": START + claims.LEEWAY},
    "iat within skew": {"iat": START + claims.LEEWAY},
    "audience and issuer": {"aud": ["chat"], "iss": 7},
    "claims of its own": {"email": "ana@example.org", "nested": {"a": [1]}},
    "empty options": {"avatar": None, "role": None, "nbf": START},
    "sub of other letters": {"sub": "användare/7\u200b"},
    "long sub": {"sub": "x" * 200},
    "long jti": {"jti": "~" * 128},
    "name to be cleaned": {"name": "  Ａｎａ  "},
    "long name": {"name": "n" * 40},
    "role": {"role": "member"},
    "avatar of a list's wildcard": {"avatar": "https://eu.cdn.example/a"},
    "avatar in capitals": {"avatar": "https://WWW.Example.ORG:443/a"},
}


async def test_token_is_accepted(chat: Chat, site: Site, rows: Rows) -> None:
    for row, changed in ACCEPTED.items():
        with rows.row(row):
            found = await verify(chat, "lobby", site.token(**changed), local=False)
            assert found.user.name in ("Ana", "n" * 40)


EXPIRED = "identity_expired"
REFUSED = "identity_refused"

CLAIMS: dict[str, tuple[dict[str, object], str, str]] = {
    "exp missing": ({"exp": NONE}, REFUSED, "no claim exp"),
    "exp null": ({"exp": None}, REFUSED, "no claim exp"),
    "exp as string": (
        {"exp": str(START + 300)},
        REFUSED,
        "Claim exp must be seconds since 1970 as a number; found '18",
    ),
    "exp true": ({"exp": True}, REFUSED, "Claim exp must be seconds"),
    "exp in milliseconds": ({"exp": START * 1000}, REFUSED, "good for too long: claim exp is 1800000000000"),
    "exp huge": ({"exp": 10**400}, REFUSED, "Claim exp must be seconds"),
    "exp infinite": ({"exp": float("inf")}, REFUSED, "Claim exp must be seconds"),
    "exp not a number": ({"exp": float("nan")}, REFUSED, "Claim exp must be seconds"),
    "exp negative": ({"exp": -1}, REFUSED, "Claim exp must be seconds"),
    "exp list": ({"exp": [START]}, REFUSED, "found a list"),
    "exp object": ({"exp": {"a": 1}}, REFUSED, "found an object"),
    "exp zero": ({"exp": 0}, EXPIRED, "ended at 0 (claim exp)"),
    "exp past": ({"exp": START - claims.LEEWAY}, EXPIRED, f"ended at {START - 30} (claim exp) and it is {START} here"),
    "exp too far": ({"exp": START + claims.LONGEST + claims.LEEWAY + 1}, REFUSED, "3600 seconds from now"),
    "nbf future": ({"nbf": START + claims.LEEWAY + 1}, REFUSED, f"claim nbf is {START + 31} and it is {START} here"),
    "nbf string": ({"nbf": "now"}, REFUSED, "Claim nbf must be seconds"),
    "iat future": ({"iat": START + claims.LEEWAY + 1}, REFUSED, "not good yet: claim iat"),
    "iat string": ({"iat": "now"}, REFUSED, "Claim iat must be seconds"),
    "room missing": ({"room": NONE}, REFUSED, "no claim room"),
    "room of another": ({"room": "garden"}, REFUSED, "claim room must be “lobby”, found 'garden'"),
    "room in capitals": ({"room": "LOBBY"}, REFUSED, "claim room must be “lobby”"),
    "rooms": ({"room": ["lobby"]}, REFUSED, "claim room must be “lobby”, found a list"),
    "sub missing": ({"sub": NONE}, REFUSED, "no claim sub"),
    "sub empty": ({"sub": ""}, REFUSED, "Claim sub must be 1 to 200 characters"),
    "sub number": ({"sub": 42}, REFUSED, "found 42"),
    "sub too long": ({"sub": "x" * 201}, REFUSED, "Claim sub must be 1 to 200 characters"),
    "sub NUL": ({"sub": "1\0002"}, REFUSED, "without control characters; found '1\\x002'"),
    "sub half a character": ({"sub": "\ud800"}, REFUSED, "without control characters"),
    "jti missing": ({"jti": NONE}, REFUSED, "no claim jti"),
    "jti empty": ({"jti": ""}, REFUSED, "Claim jti must be 1 to 128 visible ASCII characters"),
    "jti number": ({"jti": 1}, REFUSED, "Claim jti must be"),
    "jti spaced": ({"jti": "a b"}, REFUSED, "Claim jti must be"),
    "jti with line break": ({"jti": "a\n"}, REFUSED, "Claim jti must be"),
    "jti unicode": ({"jti": "é"}, REFUSED, "Claim jti must be"),
    "jti too long": ({"jti": "j" * 129}, REFUSED, "Claim jti must be"),
    "name missing": ({"name": NONE}, REFUSED, "no claim name"),
    "name number": ({"name": 7}, REFUSED, "Claim name must be a string; found 7"),
    "name empty": ({"name": " "}, REFUSED, "Claim name is ' '. Please enter a name"),
    "name bidi": ({"name": "Ana\u202e"}, REFUSED, "Claim name is 'Ana\\u202e'. The name contains invisible"),
    "name too long": ({"name": "n" * 41}, REFUSED, "The name is too long: 41 characters, and 40"),
    "name NUL": ({"name": "A\0"}, REFUSED, "invisible or control characters"),
    "name half a character": ({"name": "A\ud800"}, REFUSED, "invisible or control characters"),
    "name with a mark": ({"name": "Ana ✓"}, REFUSED, "looks like the mark of verified people"),
    "role unknown": ({"role": "owner"}, REFUSED, "Claim role must be member or moderator; found 'owner'"),
    "role list": ({"role": ["member"]}, REFUSED, "Claim role must be"),
    "role true": ({"role": True}, REFUSED, "Claim role must be"),
    "avatar elsewhere": ({"avatar": "https://evil.example/a.png"}, REFUSED, "not among the sites that may embed"),
    "avatar below a site": ({"avatar": "https://www.example.org.evil.example/a"}, REFUSED, "not among the sites"),
    "avatar wildcard itself": ({"avatar": "https://*.cdn.example/a"}, REFUSED, "Claim avatar must be"),
    "avatar http": ({"avatar": "http://www.example.org/a"}, REFUSED, "not among the sites"),
    "avatar other port": ({"avatar": "https://www.example.org:8443/a"}, REFUSED, "not among the sites"),
    "avatar bad port": ({"avatar": "https://www.example.org:x/a"}, REFUSED, "must be an https address"),
    "avatar javascript": ({"avatar": "javascript:alert(1)"}, REFUSED, "Claim avatar must be an https address"),
    "avatar data": ({"avatar": "data:image/png;base64,AAAA"}, REFUSED, "Claim avatar must be an https address"),
    "avatar relative": ({"avatar": "//www.example.org/a"}, REFUSED, "Claim avatar must be"),
    "avatar with credentials": ({"avatar": "https://a:b@www.example.org/a"}, REFUSED, "Claim avatar must be"),
    "avatar with a fake host": (
        {"avatar": "https://evil.example\\@www.example.org/a"},
        REFUSED,
        "Claim avatar must be",
    ),
    "avatar escaped host": ({"avatar": "https://evil.example%2f.cdn.example/a"}, REFUSED, "Claim avatar must be"),
    "avatar with a tab": ({"avatar": "https://www.exam\tple.org/a"}, REFUSED, "Claim avatar must be"),
    "avatar with a quote": ({"avatar": 'https://www.example.org/a"onerror="'}, REFUSED, "Claim avatar must be"),
    "avatar Kelvin": ({"avatar": "https://www.example.org\u212a/a"}, REFUSED, "Claim avatar must be"),
    "avatar too long": ({"avatar": "https://www.example.org/" + "a" * 500}, REFUSED, "at most 500"),
    "avatar list": ({"avatar": ["https://www.example.org/a"]}, REFUSED, "found a list"),
}


async def test_claim_is_refused(chat: Chat, site: Site, rows: Rows) -> None:
    for row, (changed, code, reason) in CLAIMS.items():
        with rows.row(row):
            refused = await refusal(chat, site.token(**changed))
            assert (refused.code, refused.status) == (code, 401)
            assert reason in refused.sentence
            assert site.key.secret not in refused.sentence
            assert len(refused.sentence) < 300


HEADERS: dict[str, tuple[dict[str, object], str]] = {
    "none": ({"alg": "none"}, "Header alg must be"),
    "nOnE": ({"alg": "nOnE"}, "found 'nOnE'"),
    "alg empty": ({"alg": ""}, "found ''"),
    "alg null": ({"alg": None}, "found None"),
    "alg missing": ({"alg": NONE}, "found None"),
    "alg list": ({"alg": ["HS256", "EdDSA"]}, "found a list"),
    "alg in small letters": ({"alg": "hs256"}, "found 'hs256'"),
    "alg longer": ({"alg": "HS512"}, "found 'HS512'"),
    "alg RSA": ({"alg": "RS256"}, "found 'RS256'"),
    "kid missing": ({"kid": NONE}, "no header kid, which must name the key: "),
    "kid null": ({"kid": None}, "Key ID header parameter must be a string"),
    "kid number": ({"kid": 1}, "Key ID header parameter must be a string"),
    "kid unknown": ({"kid": "nobody"}, "found 'nobody', which is of another room, or was revoked, or never was one"),
    "kid of SQL": ({"kid": "' OR 1=1 --"}, "was revoked"),
    "kid of a path": ({"kid": "../../dev/null"}, "was revoked"),
    "crit": ({"crit": ["exp"], "exp": START}, "Unsupported critical extension: exp"),
    "crit empty": ({"crit": []}, "Invalid 'crit' header"),
    "crit of b64": ({"crit": ["b64"], "b64": True}, "header crit, which is not accepted"),
    "b64": ({"b64": True}, "header b64, which is not accepted"),
    "b64 false": ({"b64": False}, "Payload segment must be empty"),
}


async def test_header_is_refused(chat: Chat, site: Site, rows: Rows) -> None:
    for row, (changed, reason) in HEADERS.items():
        with rows.row(row):
            refused = await refusal(chat, site.token(changed))
            assert refused.code == REFUSED
            assert reason in refused.sentence
            unsigned = token(site.header(changed), site.claims({}), lambda _: b"")
            assert (await refusal(chat, unsigned)).sentence == refused.sentence


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_key_is_not_taken_from_the_token(chat: Chat, site: Site, name: str) -> None:
    """The header is there and not looked at: neither does it help a stranger, nor does it keep the site out."""
    stranger = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(stranger.public_key().public_bytes_raw())}
    value = {"jwk": jwk, "x5c": [encoded(b"certificate")]}.get(name, "http://127.0.0.1:9/keys")
    assert await verify(chat, "lobby", site.token({name: value}), local=False)
    refused = await refusal(chat, token(site.header({name: value}), site.claims({}), stranger.sign))
    assert "The signature is not of the key" in refused.sentence


async def test_public_key_is_no_shared_secret(chat: Chat) -> None:
    site = Site(await embed_keys.create(chat, "lobby", CONSOLE, "EdDSA"))
    material = site.key.key.material
    private = load_pem_private_key(site.key.secret.encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    for secret in (material.encode(), private.public_key().public_bytes_raw()):
        for alg in ("HS256", "EdDSA"):
            text = token(site.header({"alg": alg}), site.claims({}), lambda data: hmac.digest(secret, data, "sha256"))  # noqa: B023
            refused = await refusal(chat, text)
            assert ("Header alg must be EdDSA" if alg == "HS256" else "The signature is not") in refused.sentence


async def test_shared_secret_is_no_key_of_another_kind(chat: Chat) -> None:
    site = Site(await embed_keys.create(chat, "lobby", CONSOLE, "HS256"))
    stranger = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(site.key.secret + "="))
    refused = await refusal(chat, token(site.header({"alg": "EdDSA"}), site.claims({}), stranger.sign))
    assert "Header alg must be HS256" in refused.sentence
    refused = await refusal(chat, token(site.header({}), site.claims({}), stranger.sign))
    assert "The signature is not" in refused.sentence


@pytest.mark.parametrize("alg", ["HS256", "HS512", "none", "EdDSA", "ES256"])
@pytest.mark.parametrize("algorithm", embed_keys.ALGORITHMS)
async def test_library_too_is_told_the_one_algorithm(chat: Chat, alg: str, algorithm: str) -> None:
    """Also if the header were not looked at before."""
    site = Site(await embed_keys.create(chat, "lobby", CONSOLE, algorithm))
    key = site.key.key
    unsigned = token(site.header({"alg": alg}), site.claims({}), lambda _: b"")
    with pytest.raises(IdentityRefused, match="alg value is not allowed" if alg != algorithm else "signature is not"):
        site_tokens._claims(unsigned, key.id, key.material, key.algorithm)


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_changed_token_is_refused(chat: Chat, site: Site, part: int) -> None:
    good = site.token()
    assert await verify(chat, "lobby", good, local=False)
    parts = good.split(".")
    parts[part] = [
        encoded(json.dumps(site.header({"typ": "jwt"})).encode()),
        encoded(json.dumps(site.claims({"sub": "admin"})).encode()),
        encoded(bytes(64 if site.key.key.algorithm == "EdDSA" else 32)),
    ][part]
    refused = await refusal(chat, ".".join(parts))
    assert f"The signature is not of the key {site.key.key.id}" in refused.sentence
    assert site.key.key.material not in refused.sentence


PAYLOADS: dict[str, tuple[object, str]] = {
    "list": ([1], "must be a json object"),
    "string": ("sub", "must be a json object"),
    "null": (None, "must be a json object"),
    "no JSON": (b"{sub: 1}", "Invalid payload string"),
    "no UTF-8": (b'{"sub": "\xff"}', "Invalid payload string"),
    "deep": (b"[" * 2900, "Invalid payload string"),
    "empty object": ({}, "no claim room"),
    "deep claim": (b'{"room": ' + b"[" * 700 + b"]" * 700 + b"}", "found a list"),
}


async def test_payload_is_refused(chat: Chat, site: Site, rows: Rows) -> None:
    for row, (payload, reason) in PAYLOADS.items():
        with rows.row(row):
            refused = await refusal(chat, token(site.header({}), payload, site.sign))
            assert reason in refused.sentence


async def test_of_a_claim_that_is_there_twice_the_last_counts(chat: Chat, site: Site) -> None:
    """As https://www.rfc-editor.org/rfc/rfc7519#section-4 allows, and the same at each reading."""
    payload = json.dumps(site.claims({})).replace('{"room"', '{"room": "garden", "room"')
    assert await verify(chat, "lobby", token(site.header({}), payload.encode(), site.sign), local=False)


NO_TOKENS = {
    "empty": "",
    "no dot": "a" * 30,
    "one dot": "aaaa.bbbb",
    "empty parts": "..",
    "three dots": "aaaa.bbbb.cccc.dddd",
    "four dots": "aaaa.bbbb.cccc.dddd.eeee",
    "padded": "aaaa==.bbbb.cccc",
    "spaced": "aaaa. bbbb.cccc",
    "line break": "aaaa.bbbb.cccc\n",
    "NUL": "aaaa.bbbb.cc\0c",
    "unicode": "aaaä.bbbb.cccc",
    "other digits": "aaa٣.bbbb.cccc",
    "half a character": "aaa\ud800.bbbb.cccc",
    "base64": "aa+/.bbbb.cccc",
    "no base64": "aaaaa.bbbb.cccc",
    "no JSON": "aaaa.bbbb.cccc",
    "header list": encoded(b"[]") + ".bbbb.cccc",
    "header deep": encoded(b"[" * 1500) + ".bbbb.cccc",
    "header string": encoded(b'"a"') + ".bbbb.cccc",
}


async def test_garbage_is_refused(chat: Chat, site: Site, rows: Rows) -> None:
    for row, text in NO_TOKENS.items():
        with rows.row(row):
            refused = await refusal(chat, text)
            assert refused.code == REFUSED
            assert refused.sentence.startswith(("This is no token", "The token’s header cannot be read"))


async def test_two_tokens_are_none(chat: Chat, site: Site) -> None:
    for between in ("", ",", ", ", "."):
        assert (await refusal(chat, site.token() + between + site.token())).code == REFUSED


async def test_token_is_bounded(chat: Chat, site: Site) -> None:
    room = site_tokens.TOKEN_LENGTH - len(site.token(more=""))
    longest = site.token(more="x" * (room * 3 // 4 - 2))
    assert site_tokens.TOKEN_LENGTH - 8 < len(longest) <= site_tokens.TOKEN_LENGTH
    assert await verify(chat, "lobby", longest, local=False)
    refused = await refusal(chat, site.token(more="x" * room))
    assert "4096 are accepted" in refused.sentence


async def test_key_of_another_room_does_not_count(chat: Chat, site: Site) -> None:
    other = Site(await embed_keys.create(chat, "garden", CONSOLE, "HS256"), "garden")
    assert await verify(chat, "garden", other.token(), local=False)
    assert "of another room" in (await refusal(chat, other.token(room="lobby"))).sentence
    assert "of another room" in (await refusal(chat, other.token())).sentence


async def test_old_key_counts_in_the_time_of_grace_and_not_after_it(chat: Chat, clock: Clock, site: Site) -> None:
    new = Site(await embed_keys.rotate(chat, "lobby", CONSOLE, 60))
    clock.seconds += 59.999
    for either in (site, new):
        assert await verify(chat, "lobby", either.token(), local=False)
    clock.seconds += 0.001
    assert await verify(chat, "lobby", new.token(), local=False)
    refused = await refusal(chat, site.token())
    assert f"The key {site.key.key.id} was rotated away" in refused.sentence
    assert "2027-01-15 08:01 UTC" in refused.sentence
    assert f"Sign with {new.key.key.id}." in refused.sentence


async def test_revoked_key_does_not_count_even_for_a_token_seen_before(chat: Chat, site: Site) -> None:
    text = site.token()
    assert await verify(chat, "lobby", text, local=False)
    await embed_keys.revoke(chat, "lobby", CONSOLE, site.key.key.id)
    assert "has no key to sign with" in (await refusal(chat, text)).sentence
    await embed_keys.create(chat, "lobby", CONSOLE, "HS256")
    assert "was revoked" in (await refusal(chat, text)).sentence


async def test_token_seen_before_ends_in_its_time(chat: Chat, clock: Clock, site: Site) -> None:
    text = site.token()
    assert await verify(chat, "lobby", text, local=False)
    clock.seconds += 300 + claims.LEEWAY - 0.001
    assert await verify(chat, "lobby", text, local=False)
    clock.seconds += 0.001
    refused = await refusal(chat, text)
    assert isinstance(refused, IdentityExpired)


async def test_signature_is_checked_once(chat: Chat, site: Site) -> None:
    text = site.token(jti="once")
    before = site_tokens._claims.cache_info()
    for _ in range(3):
        await verify(chat, "lobby", text, local=False)
    after = site_tokens._claims.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)


async def test_person_is_the_same_whatever_the_site_calls_them_and_nobody_elsewhere(chat: Chat, site: Site) -> None:
    garden = Site(await embed_keys.create(chat, "garden", CONSOLE, "HS256"), "garden")
    ana = (await verify(chat, "lobby", site.token(), local=False)).user
    renamed = (await verify(chat, "lobby", site.token(name="Bea", jti="2"), local=False)).user
    other = (await verify(chat, "lobby", site.token(sub="u-2"), local=False)).user
    there = (await verify(chat, "garden", garden.token(), local=False)).user
    assert ana.key == renamed.key
    assert len({ana.key, other.key, there.key}) == 3
    assert (ana.room_id, there.room_id) == (1, 2)


async def test_avatar_of_this_machine_goes_where_its_pages_may(chat: Chat) -> None:
    site = Site(await embed_keys.create(chat, "lobby", CONSOLE, "HS256"))
    text = site.token(avatar="http://127.0.0.1:9000/a.png")
    assert (await verify(chat, "lobby", text, local=True)).user.avatar == "http://127.0.0.1:9000/a.png"
    assert "not among the sites" in (await refusal(chat, text)).sentence
    await embeds.change(chat, "lobby", CONSOLE, add=["http://plain.example.org", "http://127.0.0.1:9000"])
    assert (await verify(chat, "lobby", text, local=False)).user.avatar
    plain = site.token(avatar="http://plain.example.org/a.png")
    assert "Claim avatar must be an https address" in (await refusal(chat, plain)).sentence


async def test_room_must_exist(chat: Chat, site: Site) -> None:
    with pytest.raises(RoomNotFound):
        await verify(chat, "nowhere", site.token(), local=False)


async def test_room_without_a_key_says_so(chat: Chat, site: Site) -> None:
    assert "The room “garden” has no key to sign with" in (await refusal(chat, site.token(), "garden")).sentence


async def test_secret_in_the_place_of_the_id_is_not_shown(chat: Chat) -> None:
    site = Site(await embed_keys.create(chat, "lobby", CONSOLE, "HS256"))
    refused = await refusal(chat, site.token({"kid": site.key.secret}))
    assert site.key.secret[:16] in refused.sentence
    assert site.key.secret[:17] not in refused.sentence
