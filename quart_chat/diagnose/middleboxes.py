"""What stands between a browser and a server, told by the traces it leaves, and what each needs for streams.

The signs are those that the products document or show: https://www.rfc-editor.org/rfc/rfc9110#name-via, their headers,
and the titles of their error pages.
"""

import re
from dataclasses import dataclass

from quart_chat.diagnose.headers import Headers
from quart_chat.diagnose.measurement import Measurement

TITLE, ISSUER = "(title)", "(issuer)"
"""Traces that are no headers: the title of a page that came in place of an answer, and who signed the certificate."""


@dataclass(frozen=True, slots=True)
class Middlebox:
    """`signs` are names of headers with a pattern of their value. The remedies are whole sentences."""

    name: str
    signs: tuple[tuple[str, str], ...]
    streams: str
    """What makes it pass streams on."""
    silence: str = ""
    """What makes it wait longer, where that has a name of its own."""


def scanner(name: str, pattern: str, *signs: tuple[str, str]) -> Middlebox:
    """A gateway that looks into whole answers before it lets them through."""
    everywhere = ((TITLE, pattern), (ISSUER, pattern), ("via", pattern), ("server", pattern))
    return Middlebox(
        name, (*everywhere, *signs), f"In {name}: exempt {{host}} from content scanning and from TLS inspection."
    )


KNOWN = (
    Middlebox(
        "nginx",
        (("server", "nginx|openresty"), ("via", "nginx"), (TITLE, "nginx")),
        "In nginx: `proxy_buffering off;` for this site, or let the header X-Accel-Buffering work "
        "(no `proxy_ignore_headers X-Accel-Buffering`).",
        "In nginx: `proxy_read_timeout 75s;` or more.",
    ),
    Middlebox(
        "Apache",
        (("server", "^Apache"), ("via", "Apache"), (TITLE, r"^50\d (Proxy Error|Service Unavailable)$")),
        "In Apache: add `flushpackets=on` to the `ProxyPass` line, and keep mod_deflate away from streams "
        '(`SetEnvIf Request_URI "/stream$" no-gzip`).',
        "In Apache: `timeout=75` or more on the `ProxyPass` line.",
    ),
    Middlebox(
        "Varnish",
        (("x-varnish", ""), ("via", "varnish"), ("server", "varnish")),
        'In Varnish: `if (req.url ~ "/stream") { return (pipe); }` in `vcl_recv`.',
        "In Varnish: `pipe_timeout` and `between_bytes_timeout` of 75 s or more.",
    ),
    Middlebox(
        "HAProxy",
        (("via", "haproxy"), ("server", "haproxy")),
        "In HAProxy: no compression and no `http-buffer` options for this site.",
        "In HAProxy: `timeout client` and `timeout server` of 75 s or more.",
    ),
    Middlebox(
        "Caddy",
        (("via", "caddy"), ("server", "caddy")),
        "In Caddy: leave `flush_interval` unset (it flushes event streams by itself), and put no plugin around the "
        "response that collects it.",
    ),
    Middlebox(
        "Squid",
        (("x-squid-error", ""), ("via", "squid"), ("server", "squid"), ("x-cache", "^(MISS|HIT|NONE) from "),
         (TITLE, "^ERROR: The requested URL could not be retrieved")),
        "In Squid: exempt {host} from ICAP and eCAP (`adaptation_access <service> deny <acl>`) and from `ssl_bump`.",
        "In Squid: `read_timeout` of 75 s or more.",
    ),
    Middlebox(
        "tinyproxy",
        (("via", "tinyproxy"), ("server", "tinyproxy")),
        "In tinyproxy nothing needs to be set for streams.",
        "In tinyproxy: `Timeout 75` or more.",
    ),
    Middlebox(
        "mitmproxy",
        (("server", "mitmproxy"), ("via", "mitmproxy"), (ISSUER, "mitmproxy"), (TITLE, "mitmproxy")),
        "In mitmproxy: `stream_large_bodies=1`, so that it does not wait for the end of an answer.",
    ),
    scanner("Symantec ProxySG (Blue Coat)", "blue ?coat|proxysg", ("x-bluecoat-via", "")),
    scanner("Skyhigh (McAfee) Web Gateway", r"mcafee|skyhigh|\bmwg\b", ("x-imforwards", "")),
    scanner("Zscaler", "zscaler", ("x-zscaler-bypass-traffic", "")),
    scanner("Sophos", "sophos|astaro"),
    scanner("FortiGate", "forti(gate|net|guard|proxy)"),
    scanner("Palo Alto Networks", "palo alto|^web page blocked"),
    scanner("Cisco Secure Web Appliance", "cisco|ironport"),
    scanner("Forcepoint (Websense)", "forcepoint|websense"),
    scanner("Check Point", "check ?point"),
    scanner("Barracuda", "barracuda"),
    scanner("Kaspersky", "kaspersky"),
    scanner("ESET", r"\beset\b"),
    scanner("Avast or AVG", r"\bavast\b|\bavg\b"),
    scanner("Bitdefender", "bitdefender"),
    Middlebox(
        "Cloudflare",
        (("cf-ray", ""), ("server", "^cloudflare"), ("cdn-loop", "cloudflare")),
        "At Cloudflare: switch off what rewrites answers of {host} (Rocket Loader, e-mail obfuscation, compression "
        "rules) and bypass its cache.",
        "Cloudflare cuts at 100 s of silence; that can be changed in Enterprise plans only.",
    ),
    Middlebox(
        "Amazon CloudFront",
        (("x-amz-cf-id", ""), ("via", "cloudfront")),
        "At CloudFront: a behaviour for `*/stream` with caching disabled and without compression.",
        "At CloudFront: an origin response timeout of 60 s.",
    ),
    Middlebox(
        "an AWS load balancer",
        (("server", "^awselb"), ("x-amzn-trace-id", "")),
        "An AWS load balancer passes streams on by itself.",
        "At the AWS load balancer: an idle timeout of 75 s or more.",
    ),
    Middlebox(
        "a Google Cloud load balancer",
        (("via", r"^1\.1 google$"), ("x-cloud-trace-context", "")),
        "At Google Cloud: no Cloud CDN for this site's streams.",
        "At Google Cloud: a backend service timeout of 3600 s, which counts for the whole stream.",
    ),
    Middlebox(
        "Azure",
        (("x-azure-ref", ""), ("server", "^microsoft-azure")),
        "At Azure: disable response buffering (Application Gateway) and caching and compression (Front Door).",
        "At Azure: a request timeout of 75 s or more.",
    ),
    Middlebox(
        "IIS with Application Request Routing",
        (("server", "^microsoft-iis"), ("x-powered-by", r"^ARR/")),
        "In IIS: `responseBufferLimit` of 0 for the proxy, and no dynamic compression of `text/event-stream`.",
        "In IIS: a proxy time-out of 75 s or more.",
    ),
    Middlebox(
        "Envoy",
        (("server", "envoy"), ("x-envoy-upstream-service-time", ""), ("x-envoy-external-address", "")),
        "In Envoy: no buffer or compressor filter on this route.",
        "In Envoy: `timeout: 0s` for the route, and a `stream_idle_timeout` of 75 s or more.",
    ),
    Middlebox(
        "Fastly",
        (("x-served-by", "^cache-"),),
        "At Fastly: `set beresp.do_stream = true;` and `return (pass)` for streams.",
    ),
    Middlebox(
        "Akamai",
        (("server", "akamai"), ("x-akamai-request-id", "")),
        "At Akamai: caching set to no-store and chunked streaming for this site.",
    ),
)  # fmt: skip
"""In the order in which they are named."""


def recognise(measured: Measurement) -> list[Middlebox]:
    """All that left a trace. What the server itself sent is none: those headers are not among what arrived."""
    traces: Headers = (
        *measured.arrived,
        *measured.request,
        (TITLE, measured.title),
        (ISSUER, measured.issuer),
    )
    return [box for box in KNOWN if any(_matches(sign, trace) for sign in box.signs for trace in traces)]


def _matches(sign: tuple[str, str], trace: tuple[str, str]) -> bool:
    return sign[0] == trace[0] and bool(trace[1]) and re.search(sign[1], trace[1], re.IGNORECASE) is not None
