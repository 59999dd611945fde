"""Which server an address leads to."""

from quart_chat.diagnose.client import server


def test_server_is_asked_by_the_name_that_browsers_ask_by() -> None:
    #  what somebody types           the host, the port and what is said in `Host`
    for url, expected in {
        "http://bücher.example": ("xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
        "https://BÜCHER.example:8443/rooms/lobby": ("xn--bcher-kva.example", 8443, "xn--bcher-kva.example:8443"),
        "http://user:secret@localhost.:8000": ("localhost", 8000, "localhost:8000"),
        "http://[::1]:8000/": ("::1", 8000, "[::1]:8000"),
        "http://[fe80::1%25eth0]:8000": ("fe80::1%25eth0", 8000, "[fe80::1%25eth0]:8000"),
    }.items():
        found = server(url)
        assert (found.host, found.port, found.authority) == expected, url
