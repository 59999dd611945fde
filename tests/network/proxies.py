"""Every component between people and the server, by name: what it is made of, and the way through it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.network import forward, reverse
from tests.network.certificates import Certificate
from tests.network.processes import Program, started
from tests.network.programs import find
from tests.network.ways import Way


@dataclass(frozen=True)
class Component:
    """One configuration of one program, in front of a server. `row` is its name in the table of results."""

    row: str
    configuration: str
    """`stock`, or `deploy` for the one that this project recommends."""
    needs: tuple[str, ...]
    build: Callable[[str, Certificate], "Built"]
    tls: bool = False

    @property
    def missing(self) -> list[str]:
        return [program for program in self.needs if find(program) is None]


@dataclass(frozen=True)
class Built:
    """The programs of a component, of which `program` is the one that is killed and frozen."""

    program: Program
    way: Way
    helpers: tuple[Program, ...] = field(default=())


def _reverse(row: str, configuration: str, program: str, make: Callable[[str], Program]) -> Component:
    def build(upstream: str, _: Certificate) -> Built:
        proxy = make(upstream)
        return Built(proxy, Way(f"http://127.0.0.1:{proxy.port}"))

    return Component(row, configuration, (program,), build)


def _tls(row: str, program: str, make: Callable[[str, Certificate], Program], *, http2: bool = True) -> Component:
    def build(upstream: str, certificate: Certificate) -> Built:
        proxy = make(upstream, certificate)
        return Built(proxy, Way(f"https://localhost:{proxy.port}", http2=http2))

    return Component(row, "deploy", (program,), build, tls=True)


def _plain(row: str, program: str, make: Callable[[], Program]) -> Component:
    def build(upstream: str, _: Certificate) -> Built:
        proxy = make()
        return Built(proxy, Way(f"http://{upstream}", f"http://127.0.0.1:{proxy.port}"))

    return Component(row, "stock", (program,), build)


def _connect(row: str, program: str, make: Callable[[int], Program]) -> Component:
    """A tunnel to a server with TLS, which is the only thing for which browsers ask for one."""

    def build(upstream: str, certificate: Certificate) -> Built:
        front = reverse.nginx_tls(upstream, certificate)
        proxy = make(front.port)
        return Built(proxy, Way(f"https://localhost:{front.port}", f"http://127.0.0.1:{proxy.port}"), (front,))

    return Component(row, "stock", (program, "nginx"), build, tls=True)


def _squid_preview(upstream: str, _: Certificate) -> Built:
    scanner = forward.c_icap()
    proxy = forward.squid(icap=scanner.port)
    return Built(proxy, Way(f"http://{upstream}", f"http://127.0.0.1:{proxy.port}"), (scanner,))


COMPONENTS = {
    "nginx-stock": _reverse("nginx", "stock", "nginx", reverse.nginx_stock),
    "nginx-deploy": _reverse("nginx", "deploy", "nginx", reverse.nginx),
    "nginx-idle": _reverse("nginx that cuts after 20 idle seconds", "stock", "nginx", reverse.nginx_idle),
    "nginx-tls": _tls("nginx, TLS and HTTP/2", "nginx", reverse.nginx_tls),
    "haproxy-idle": _reverse("HAProxy", "stock", "haproxy", reverse.haproxy_idle),
    "haproxy-deploy": _reverse("HAProxy", "deploy", "haproxy", reverse.haproxy),
    "apache-stock": _reverse("Apache", "stock", "apache2", reverse.apache_stock),
    "apache-deploy": _reverse("Apache", "deploy", "apache2", reverse.apache),
    "varnish-stock": _reverse("Varnish", "stock", "varnishd", reverse.varnish_stock),
    "varnish-deploy": _reverse("Varnish", "deploy", "varnishd", reverse.varnish),
    "caddy-stock": _reverse("Caddy", "stock", "caddy", reverse.caddy_stock),
    "caddy-encode": _reverse("Caddy with `encode gzip`", "stock", "caddy", reverse.caddy_encode),
    "caddy-deploy": _reverse("Caddy", "deploy", "caddy", reverse.caddy),
    "caddy-tls": _tls("Caddy, TLS and HTTP/2", "caddy", lambda upstream, _: reverse.caddy(upstream, tls=True)),
    "squid-plain": _plain("Squid", "squid", forward.squid),
    "squid-connect": _connect("Squid, CONNECT", "squid", lambda port: forward.squid(connect=port)),
    "squid-preview": Component("Squid with an ICAP preview", "stock", ("squid", "c-icap"), _squid_preview),
    "tinyproxy-plain": _plain("tinyproxy", "tinyproxy", forward.tinyproxy),
    "tinyproxy-connect": _connect("tinyproxy, CONNECT", "tinyproxy", lambda port: forward.tinyproxy(connect=port)),
    "mitmproxy-forward": _plain("mitmproxy, scanning whole bodies", "mitmdump", forward.mitmproxy),
    "mitmproxy-connect": _connect(
        "mitmproxy, scanning whole bodies within TLS", "mitmdump", lambda _: forward.mitmproxy()
    ),
}


def available() -> list[str]:
    """Those for which this machine has what it needs."""
    return [name for name, component in COMPONENTS.items() if not component.missing]


@asynccontextmanager
async def running(upstream: str, certificate: Certificate, *names: str) -> AsyncIterator[dict[str, Built]]:
    """These components, all started at once in front of the server at `upstream` (HOST:PORT)."""
    built = {name: COMPONENTS[name].build(upstream, certificate) for name in names}
    programs = [program for each in built.values() for program in (each.program, *each.helpers)]
    async with started(*programs):
        yield built
