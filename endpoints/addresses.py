"""Where a caller without a name comes from, also behind proxies that the operator trusts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from aiohttp import web

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED: Final = "X-Forwarded-For"
_HOPS: Final = 20
"""Addresses looked at in the header, from its end."""
_IPV6_PREFIX: Final = 64
"""One subscriber of the internet has at least as many addresses as this prefix leaves."""


class Addresses:
    """Finds the address behind a request."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """`trusted` are the networks of proxies whose `X-Forwarded-For` is believed. Raises ValueError."""
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(each, strict=False) for each in trusted)

    def of(self, request: web.BaseRequest) -> str:
        """The address, of IPv6 the network of 64 bits, by which callers are told apart.

        It is the last in `X-Forwarded-For` that is no trusted proxy, as far as trusted proxies have written it; the
        peer itself when that is none.
        """
        found = request.remote or ""
        if self._is_trusted(found):
            header = ",".join(request.headers.getall(_FORWARDED, ()))
            for hop in reversed(header.split(",")[-_HOPS:]):
                if _parse(hop) is None:
                    break
                found = hop
                if not self._is_trusted(hop):
                    break
        return _name(found)

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    """The address that a text names; one of IPv4 also where IPv6 carries it. None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name(text: str) -> str:
    address = _parse(text)
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)
