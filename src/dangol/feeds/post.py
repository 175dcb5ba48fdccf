"""One webhook request to an address that somebody else gave: bounded in time and size, never followed elsewhere, never inward."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from dangol import __version__

#: Seconds for the whole request, connecting included.
DEADLINE_SECONDS = 10.0
#: As much of an answer as is read; a receiver has nothing to say but its status.
ANSWER_BYTES_MAX = 64_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Outcome(StrEnum):
    """How a webhook request ended."""

    DELIVERED = "delivered"  #: Answered 2xx: taken.
    REFUSED = "refused"  #: Answered with another status.
    GONE = "gone"  #: Answered 410: the receiver wants no more (Standard Webhooks).
    REDIRECTED = "redirected"  #: Answered 3xx. Redirects are not followed: they could lead inward.
    TIMED_OUT = "timed_out"  #: No answer within the deadline. It may have been taken all the same.
    UNREACHABLE = "unreachable"  #: No connection.
    NO_SUCH_NAME = "no_such_name"  #: The name of the address is not known.
    FORBIDDEN_ADDRESS = "forbidden_address"  #: The name leads to a private or local address.
    TLS_FAILED = "tls_failed"  #: The certificate is not valid for the name.
    BROKEN_ANSWER = "broken_answer"  #: What came back is not HTTP.


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one request."""

    outcome: Outcome
    detail: str
    status: int = 0

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.outcome is Outcome.DELIVERED


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allowed: Sequence[Network] = (),
    deadline: float = DEADLINE_SECONDS,
) -> Posted:
    """POST *body* to *url*. Never raises for what the other side does.

    Args: allowed: private networks that webhooks may reach.   deadline: seconds for all of it.
    """
    began = time.monotonic()
    address = _resolve(url, allowed)
    if isinstance(address, Posted):
        return address
    parts = urlsplit(url)
    (host, port), secure = _place(url), parts.scheme == "https"
    connection = _Pinned(host, port, address, secure=secure, timeout=max(0.1, deadline - (time.monotonic() - began)))
    late = threading.Event()
    watch = threading.Timer(max(0.1, deadline - (time.monotonic() - began)), _cut, (connection, late))
    watch.daemon = True
    watch.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        usual = {"Content-Type": "application/json", "User-Agent": f"Dangol/{__version__}", "Accept": "*/*", "Connection": "close"}
        connection.request("POST", target, body, {**usual, **headers})
        answer = connection.getresponse()
        said = b"" if 200 <= answer.status < 300 else answer.read(ANSWER_BYTES_MAX)
        if late.is_set():
            return Posted(Outcome.TIMED_OUT, f"no whole answer within {deadline:g} s")
        return _judged(answer.status, said)
    except ssl.SSLError as error:
        return Posted(Outcome.TIMED_OUT if late.is_set() else Outcome.TLS_FAILED, f"TLS: {error}")
    except (TimeoutError, OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            return Posted(Outcome.TIMED_OUT, f"no whole answer within {deadline:g} s")
        if isinstance(error, http.client.HTTPException | ValueError):
            return Posted(Outcome.BROKEN_ANSWER, f"what came back is not HTTP: {type(error).__name__} {error}"[:300])
        return Posted(Outcome.UNREACHABLE, f"{host}:{port} does not answer: {error}")
    finally:
        watch.cancel()
        connection.close()


def barrier(url: str, allowed: Sequence[Network] = ()) -> Posted | None:
    """What would keep `post` from *url* at present, without sending anything: its name leads inward or is not known. None: nothing.

    Args: allowed: private networks that webhooks may reach.
    """
    found = _resolve(url, allowed)
    return found if isinstance(found, Posted) else None


def is_outside(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether a webhook may go to this IP address: a public one, or one in a network that the brand allows."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip.sixtofour:
            return is_outside(str(ip.sixtofour), allowed)
    if any(ip.version == network.version and ip in network for network in allowed):
        return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def networks(text: str) -> list[Network]:
    """Networks written as "10.0.0.0/8, 127.0.0.1". Raises: ValueError, naming the one that is none."""
    return [ipaddress.ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()]


def _place(url: str) -> tuple[str, int]:
    """Host and port of *url*."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _resolve(url: str, allowed: Sequence[Network]) -> Any:
    """Where *url* leads, as a socket takes it; Posted when nothing may or can be sent there."""
    host, port = _place(url)
    try:
        found = [info[4] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        return Posted(Outcome.NO_SUCH_NAME, f"{host} is not known: {error}")
    inward = [str(place[0]).partition("%")[0] for place in found if not is_outside(str(place[0]), allowed)]
    if inward or not found:
        seen = inward[0] if inward else "nowhere"
        return Posted(
            Outcome.FORBIDDEN_ADDRESS,
            f"{host} {'is' if host == seen else f'leads to {seen},'} a private or local address. If it is yours, allow its network in dangol.toml:"
            f' deliver.private_networks = "{seen}", and start Dangol again.',
        )
    return found[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was judged, whatever the name says a moment later."""

    def __init__(self, host: str, port: int, address: Any, *, secure: bool, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._address = address
        self._secure = secure

    def connect(self) -> None:
        self.sock = socket.create_connection(self._address[:2], self.timeout)
        if self._secure:
            # The handshake is part of what the deadline can cut off.
            context = ssl.create_default_context()
            self.sock = secured = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            secured.do_handshake()


def _cut(connection: _Pinned, late: threading.Event) -> None:
    late.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _judged(status: int, said: bytes) -> Posted:
    if 200 <= status < 300:
        return Posted(Outcome.DELIVERED, "", status)
    text = said[:200].decode("utf-8", "replace").strip()
    if status == 410:
        return Posted(Outcome.GONE, f"answered 410: {text}", status)
    if 300 <= status < 400:
        return Posted(Outcome.REDIRECTED, f"answered {status}, and redirects are not followed. Give the address it leads to.", status)
    return Posted(Outcome.REFUSED, f"answered {status}: {text}", status)
