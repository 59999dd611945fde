"""Every setting once: name, default, unit, help. Read from `QUART_CHAT_*` variables, and nowhere else."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from quart_chat.errors import StartupError
from quart_chat.hosts import canonical, clean

PREFIX = "QUART_CHAT_"

UNIX = "unix"
"""Names, among networks, whoever comes through a Unix socket."""


class Config(BaseSettings):
    """The settings of one server. Frozen: what a running server does never depends on later changes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    bind: str = Field("", description="HOST:PORT to listen on; empty means what hypercorn.toml says")
    database_url: str = Field("sqlite:///quart_chat.db", description="Where messages are kept: sqlite:///PATH")
    broker_url: str = Field("memory://", description="How events reach the readers of other processes")
    secret_key: str = Field("", description="Signs cookies; empty means the file <database>.secret, made once")
    public_url: str = Field("", description="The address people use, such as https://chat.example.org")
    hosts: str = Field(
        "", description="Other names of this server, between commas; *.example.net stands for all below example.net"
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses, networks and 'unix', between commas: proxies whose X-Forwarded-For and -Proto count",
    )
    limits: Literal["on", "off"] = Field("on", description="'off' lifts every limit; for benchmarks only")
    cdn: Literal["on", "off"] = Field("on", description="'off' serves htmx from here, and asks no CDN for it")
    assets: Literal["joined", "files"] = Field(
        "joined", description="'files' serves scripts and styles one by one, as they are in a checkout; for debugging"
    )
    user_rate: float = Field(1.0, gt=0, description="Messages per second that one guest may keep up")
    user_burst: int = Field(10, ge=1, description="Messages that one guest may send at once")
    address_rate: float = Field(10.0, gt=0, description="Messages (and refusals) a second that one address may keep up")
    address_burst: int = Field(100, ge=1, description="Messages (and refusals) that one address may have at once")
    room_rate: float = Field(1 / 60, gt=0, description="Rooms per second that one address may keep creating")
    room_burst: int = Field(5, ge=1, description="Rooms that one address may create at once")
    rooms_per_day: int = Field(50, ge=1, description="Rooms that one address may create in a day")
    bytes_per_day: int = Field(
        100_000_000, ge=100_000, description="Bytes that messages of one address may take on the disk in a day"
    )
    rooms: int = Field(100_000, ge=1, description="Rooms that there may be")
    disk_reserve: int = Field(
        64 * 1024 * 1024, ge=0, description="Bytes that posts leave free on the database's disk; 0 to fill it"
    )
    streams_per_address: int = Field(500, ge=1, description="Streams and held polls that one address may have open")
    streams_per_user: int = Field(16, ge=1, description="Streams and held polls that one guest may have open")
    audit_log: str = Field(
        "", description="File to which each act in each room is appended, as a line of JSON; empty for none"
    )
    heartbeat: float = Field(15.0, gt=0, le=60, description="Seconds between heartbeats on a stream")
    stream_age: float = Field(600.0, gt=0, description="Seconds after which a stream ends and the reader resumes")
    replay_limit: int = Field(1000, ge=1, description="Events that a returning reader may have missed before a reset")
    replay_bytes: int = Field(1024 * 1024, ge=1, description="Bytes, about, that it may have missed")

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        origin = canonical(value)
        if value and (not origin or value.count("/") != 2 or set(value) & {"?", "#"}):
            raise ValueError("must look like https://chat.example.org")
        return origin

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        found = []
        for name in _listed(value):
            below = "*." if name.startswith("*.") else ""
            host = clean(name.removeprefix(below))
            if not host:
                raise ValueError(f"{name[:80]} is no host; it must look like chat.example.org or *.example.org")
            found.append(below + host)
        return ",".join(found)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for name in _listed(value):
            if name != UNIX and _is_mapped(ip_network(name)):
                raise ValueError(f"{name} holds IPv4 addresses and must be written as one of them")
        return ",".join(_listed(value))

    @field_validator("broker_url")
    @classmethod
    def _is_known_broker(cls, value: str) -> str:
        if value != "memory://":
            raise ValueError("only memory:// is known")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_sqlite(cls, value: str) -> str:
        if not value.startswith("sqlite:///") or value in ("sqlite:///", "sqlite:///:memory:"):
            raise ValueError("must be sqlite:///PATH (three slashes; four for an absolute path) and name a file")
        return value

    @property
    def host_names(self) -> tuple[str, ...]:
        return tuple(_listed(self.hosts))

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(name) for name in _listed(self.trusted_proxies) if name != UNIX)

    @property
    def trusts_unix(self) -> bool:
        return UNIX in _listed(self.trusted_proxies)

    @property
    def database_path(self) -> Path:
        return Path(unquote(self.database_url.removeprefix("sqlite:///")))

    @property
    def secret_path(self) -> Path:
        return Path(f"{self.database_path}.secret")


def load_config(**overrides: str) -> Config:
    """Read the settings; `overrides` come from the command line and win.

    Raises StartupError naming the first setting that does not parse.
    """
    try:
        return Config(**overrides)  # type: ignore[arg-type]  # pydantic parses the strings
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        reason = str(problem["msg"]).removeprefix("Value error, ")
        raise StartupError(f"{PREFIX}{name.upper()} is {problem['input']!r}: {reason}.") from None


def _listed(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _is_mapped(network: IPv4Network | IPv6Network) -> bool:
    """Whether it is of those IPv6 addresses that stand for IPv4 ones (https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2)."""
    return isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None
