"""Which addresses on the net may be asked, and connections that cannot be led to any other."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar

import httpcore2

from stylesearch.errors import ImageError, InputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], list[str]]

EVERYTHING = "all"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Set aside for protocols and for networks of old; the standard library knows some of them in some versions only.
_SET_ASIDE = tuple(
    ipaddress.ip_network(name) for name in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10")
)

deadline: ContextVar[float] = ContextVar("deadline")
"""When the request that this thread is on must be over, on the monotonic clock."""


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that a setting names: ``10.0.0.0/8``, a single address, or ``all``.

    Raises
    ------
    InputError
        ``setting``, if one is none of these.
    """
    found: list[Network] = []
    for name in names:
        if name == EVERYTHING:
            found += [ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0")]
            continue
        try:
            found.append(ipaddress.ip_network(name, strict=False))
        except ValueError:
            raise InputError(
                f"{name!r} names no network.",
                hint="Write STYLESEARCH_FETCH_PRIVATE as in 10.0.0.0/8,127.0.0.1, or all.",
                code="setting",
            ) from None
    return tuple(found)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open net: not of this machine, this network, a group, or no use at all."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if any(address in network for network in _SET_ASIDE):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _inner(address: Address) -> Address | None:
    """Return the IPv4 address that an IPv6 one stands for, if it does."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to checked addresses only.

    A name is resolved once; all of its addresses are checked, and the connection goes to one of those that were. So a
    name cannot say one thing to the check and another to the connection.

    Parameters
    ----------
    private:
        Networks that are allowed though they are not public.
    resolver:
        From name and port to addresses.
    """

    def __init__(self, private: Iterable[Network] = (), resolver: Resolve = resolve) -> None:
        self._private = tuple(private)
        self._resolve = resolver
        self._plain = httpcore2.SyncBackend()

    def check(self, host: str, port: int) -> list[str]:
        """Return a name's addresses.

        Raises
        ------
        ImageError
            ``address_refused``, if one of them is not public and not allowed.
        httpcore2.ConnectError
            If the name is not known.
        """
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} is not known: {error}") from error
        for text in found:
            address = ipaddress.ip_address(text.partition("%")[0])
            inner = _inner(address) or address
            if not is_public(address) and not any(inner in network for network in self._private):
                raise refused(f"{host} is at {text}, which is not a public address")
        return found

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first of a name's addresses that answers."""
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self.check(host, port):
            try:
                stream = self._plain.connect_tcp(address, port, _left(timeout), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream)
        raise failure


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which nothing waits past the deadline of the request that uses it.

    Time-outs count from one packet to the next; a server that sends a byte now and then would never meet them.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    """Return the shorter of a time-out and what is left of the request's time."""
    end = deadline.get(None)
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the request took too long")
    return left if timeout is None else min(timeout, left)


def refused(why: str) -> ImageError:
    """Return the error that an address is not asked."""
    return ImageError(
        f"The address is refused: {why}.",
        hint="If it is one of your own, allow it with STYLESEARCH_FETCH_PRIVATE.",
        code="address_refused",
    )
