"""Forward proxies, as offices and schools have them: the browser is told to go through them."""

from pathlib import Path

from tests.network.processes import Program, free_port

SQUID = """
http_port 127.0.0.1:{port}
acl tunnels port 443 {connect}
http_access deny CONNECT !tunnels
http_access allow localhost
http_access deny all
pid_filename none
access_log none
cache_log stdio:FOLDER/cache.log
cache_mem 1 MB
coredump_dir FOLDER
netdb_filename none
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
"""

PREVIEW = """
icap_enable on
icap_preview_enable on
icap_preview_size 1024
icap_service before reqmod_precache icap://127.0.0.1:{icap}/echo bypass=off
icap_service after respmod_precache icap://127.0.0.1:{icap}/echo bypass=off
adaptation_access before allow all
adaptation_access after allow all
"""


def squid(*, connect: int = 443, icap: int | None = None) -> Program:
    """As Debian has it: tunnels to port 443 alone, and to `connect`. With `icap`, bodies go through that scanner."""
    port = free_port()
    text = SQUID.format(port=port, connect=connect) + (PREVIEW.format(icap=icap) if icap else "")
    # Its shared memory is called by its name: two of one name that start at the same moment are in each other's way.
    command = ["squid", "-N", "-n", f"squid{port}", "-f", "FOLDER/squid.conf"]
    return Program("squid", *command, port=port, files={"squid.conf": text}, tidies=True)


C_ICAP = """
PidFile FOLDER/c-icap.pid
CommandsSocket FOLDER/c-icap.ctl
TmpDir FOLDER
Port 127.0.0.1:{port}
StartServers 1
MaxServers 1
MinSpareThreads 1
MaxSpareThreads 100
ThreadsPerChild 100
ModulesDir {modules}
ServicesDir {modules}
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog FOLDER/server.log
AccessLog FOLDER/access.log
Service echo srv_echo.so
"""


def c_icap() -> Program:
    """A scanner that asks for a preview of every body before it lets it through unchanged."""
    port = free_port()
    modules = next(path.parent for path in Path("/usr/lib").glob("*/c_icap/srv_echo.so"))
    files = {"c-icap.conf": C_ICAP.format(port=port, modules=modules)}
    return Program("c-icap", "c-icap", "-N", "-f", "FOLDER/c-icap.conf", port=port, files=files, tidies=True)


TINYPROXY = """
Listen 127.0.0.1
Port {port}
Timeout 600
MaxClients 200
Allow 127.0.0.1
ConnectPort 443
ConnectPort {connect}
"""


def tinyproxy(*, connect: int = 563) -> Program:
    """As Debian has it: tunnels to ports 443 and 563 alone; `connect` takes the place of the latter."""
    port = free_port()
    files = {"tinyproxy.conf": TINYPROXY.format(port=port, connect=connect)}
    return Program("tinyproxy", "tinyproxy", "-d", "-c", "FOLDER/tinyproxy.conf", port=port, files=files)


def mitmproxy(before: str = "") -> Program:
    """A scanner that looks at whole bodies, within TLS too: nothing comes through before it has come to its end.

    With the address of a server it stands `before` that one, and no browser needs to be told.
    """
    port = free_port()
    options = ["--set", "confdir=FOLDER", "--ssl-insecure", "--quiet"]
    options += ["--mode", f"reverse:{before}"] if before else []
    return Program(
        "mitmdump", "mitmdump", "--listen-host", "127.0.0.1", "--listen-port", str(port), *options, port=port
    )
