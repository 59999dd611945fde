"""Which networks an address is in. One that hands out many addresses is limited as a whole, too.

Whoever rents a server or a line has a /64 of IPv6 at least, often a /56 or a /48
(https://www.rfc-editor.org/rfc/rfc6177#section-2), and so 65,536 of what counts as one address here.
"""

import functools
from ipaddress import ip_network

LARGER = {56: 8, 48: 32}
"""By the length of a network's prefix, how many times it may have what one of its /64 may. That is far below how many
it has of them, and more than people in it need at a time: some telephone companies give each customer a /64."""

REMEMBERED = 4096
"""Addresses whose networks are kept."""

Share = tuple[str, int]
"""An address or a network, and how many times what an address may have is there for it."""


def shares(key: str) -> tuple[Share, ...]:
    """What counts for an address: itself, and around `2001:db8:0:1::/64`, as IPv6 is counted here, its networks. For
    anything else, such as the key of a user, that alone."""
    return _around(key) if key.endswith("/64") else ((key, 1),)


@functools.lru_cache(REMEMBERED)
def _around(address: str) -> tuple[Share, ...]:
    network = ip_network(address)
    return ((address, 1), *((str(network.supernet(new_prefix=length)), times) for length, times in LARGER.items()))
