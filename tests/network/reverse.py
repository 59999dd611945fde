"""Reverse proxies in front of the server at `upstream` (HOST:PORT): stock, and as `deploy/` has them.

A stock configuration is what the program's documentation shows for a backend, and nothing else.
"""

from pathlib import Path

from tests.network.certificates import Certificate
from tests.network.processes import Program, free_port

DEPLOY = Path(__file__).parents[2] / "deploy"


def deployed(name: str, replacements: dict[str, str]) -> str:
    """A configuration of `deploy/` with its names, ports and paths replaced. Each of them MUST be there."""
    text = (DEPLOY / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"deploy/{name} has no {old!r}"
        text = text.replace(old, new)
    return text


NGINX = """
daemon off;
pid FOLDER/nginx.pid;
error_log stderr;
worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    include FOLDER/site.conf;
}
"""

NGINX_STOCK = """
server {{
    listen 127.0.0.1:{port};
    {more}
    location / {{ proxy_pass http://{upstream}; }}
}}
"""


def nginx_stock(upstream: str, more: str = "") -> Program:
    port = free_port()
    return _nginx(port, NGINX_STOCK.format(port=port, upstream=upstream, more=more))


def nginx_with_password(upstream: str, user: str, password: str) -> Program:
    port = free_port()
    more = "auth_basic chat; auth_basic_user_file FOLDER/passwords; proxy_set_header Host $http_host;"
    site = NGINX_STOCK.format(port=port, upstream=upstream, more=more)
    return _nginx(port, site, {"passwords": f"{user}:{{PLAIN}}{password}\n"})


def nginx_idle(upstream: str) -> Program:
    return nginx_stock(upstream, "proxy_read_timeout 20s; send_timeout 20s;")


def nginx(upstream: str) -> Program:
    port = free_port()
    names = {"127.0.0.1:8000": upstream, "chat.example.org": "localhost", **_listening("80", port)}
    return _nginx(port, deployed("nginx.conf", names))


def nginx_tls(upstream: str, certificate: Certificate) -> Program:
    port = free_port()
    names = {
        "/etc/letsencrypt/live/chat.example.org/fullchain.pem": "FOLDER/certificate.pem",
        "/etc/letsencrypt/live/chat.example.org/privkey.pem": "FOLDER/key.pem",
        "127.0.0.1:8000": upstream,
        "chat.example.org": "localhost",
        **_listening("80", free_port()),
        **_listening("443", port, " ssl http2"),
    }
    files = {"certificate.pem": certificate.certificate, "key.pem": certificate.key}
    return _nginx(port, deployed("nginx-tls.conf", names), files)


def _listening(old: str, port: int, how: str = "") -> dict[str, str]:
    """What listens everywhere listens on the loopback alone; IPv6's line on another port, as there may be no IPv6."""
    return {
        f"listen {old}{how};": f"listen 127.0.0.1:{port}{how};",
        f"listen [::]:{old}{how};": f"listen 127.0.0.1:{free_port()}{how};",
    }


def _nginx(port: int, site: str, files: dict[str, str] | None = None) -> Program:
    files = {"nginx.conf": NGINX, "site.conf": site, **(files or {})}
    command = ["nginx", "-e", "stderr", "-p", "FOLDER", "-c", "FOLDER/nginx.conf"]
    return Program("nginx", *command, port=port, files=files)


HAPROXY_STOCK = """
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend stock
    bind 127.0.0.1:{port}
    default_backend stock
backend stock
    server chat {upstream}
"""


def haproxy_idle(upstream: str) -> Program:
    port = free_port()
    return _haproxy(port, HAPROXY_STOCK.format(port=port, upstream=upstream))


def haproxy(upstream: str) -> Program:
    port = free_port()
    names = {"127.0.0.1:8000": upstream, "bind :80\n": f"bind 127.0.0.1:{port}\n"}
    return _haproxy(port, deployed("haproxy.cfg", names))


def _haproxy(port: int, text: str) -> Program:
    return Program("haproxy", "haproxy", "-db", "-f", "FOLDER/haproxy.cfg", port=port, files={"haproxy.cfg": text})


APACHE = """
ServerRoot FOLDER
ServerName localhost
PidFile FOLDER/apache.pid
Mutex pthread
ErrorLog FOLDER/error.log
Listen 127.0.0.1:{port}
{modules}
TypesConfig /dev/null
"""

APACHE_STOCK = "ProxyPass / http://{upstream}/\n"


def apache_stock(upstream: str) -> Program:
    port = free_port()
    return _apache(port, APACHE_STOCK.format(upstream=upstream))


def apache(upstream: str) -> Program:
    port = free_port()
    listens = {"<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{port}>"}
    names = {"127.0.0.1:8000": upstream, "chat.example.org": "localhost", **listens}
    return _apache(port, deployed("apache.conf", names))


def _apache(port: int, site: str) -> Program:
    names = "mpm_event authz_core mime proxy proxy_http headers deflate filter".split()
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names)
    text = APACHE.format(port=port, modules=modules) + site
    command = ["apache2", "-DFOREGROUND", "-f", "FOLDER/apache.conf"]
    return Program("apache2", *command, port=port, files={"apache.conf": text})


VARNISH_STOCK = """
vcl 4.1;
backend default {{ .host = "{host}"; .port = "{port}"; }}
"""


def varnish_stock(upstream: str) -> Program:
    host, port = upstream.split(":")
    return _varnish(VARNISH_STOCK.format(host=host, port=port))


def varnish(upstream: str) -> Program:
    host, port = upstream.split(":")
    names = {'.host = "127.0.0.1"': f'.host = "{host}"', '.port = "8000"': f'.port = "{port}"'}
    return _varnish(deployed("varnish.vcl", names), "-p", "pipe_timeout=75")


def _varnish(vcl: str, *parameters: str) -> Program:
    port = free_port()
    command = ["varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", "FOLDER/varnish.vcl", "-n", "FOLDER/varnish"]
    return Program(
        "varnish", *command, "-T", "none", "-s", "malloc,16m", *parameters, port=port, files={"varnish.vcl": vcl}
    )


CADDY = """
{
    admin off
    local_certs
    skip_install_trust
    auto_https disable_redirects
    default_bind 127.0.0.1
    storage file_system FOLDER
    log {
        level ERROR
    }
}
"""

CADDY_STOCK = """
http://:{port} {{
    {more}
    reverse_proxy {upstream}
}}
"""


def caddy_stock(upstream: str, more: str = "") -> Program:
    port = free_port()
    return _caddy(port, CADDY_STOCK.format(port=port, upstream=upstream, more=more))


def caddy_encode(upstream: str) -> Program:
    return caddy_stock(upstream, "encode gzip")


def caddy(upstream: str, *, tls: bool = False) -> Program:
    port = free_port()
    site = f"localhost:{port}" if tls else f"http://:{port}"
    names = {"127.0.0.1:8000": upstream, "\nchat.example.org {": f"\n{site} {{"}
    return _caddy(port, deployed("Caddyfile", names))


def _caddy(port: int, site: str) -> Program:
    text = CADDY + site
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", "FOLDER/Caddyfile"]
    return Program("caddy", *command, port=port, files={"Caddyfile": text})
