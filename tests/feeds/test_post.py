"""One webhook request: bounded in time, never followed elsewhere, never inward."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from tests.feeds.receiver import Receiver
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port

from dangol.feeds.post import Outcome, is_outside, networks, post

HERE = networks("127.0.0.0/8")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.2.1", "not an address", "",
    ],
)  # fmt: skip
def test_inward_addresses(address: str) -> None:
    """Private, local, multicast and documentation addresses are inward, however they are written."""
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "211.34.1.9", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_outward_addresses(address: str) -> None:
    """Public addresses are where webhooks go."""
    assert is_outside(address)


def test_a_brand_may_allow_its_own_network() -> None:
    """A network that was named is allowed, its neighbour is not; nonsense is refused."""
    allowed = networks("10.0.0.0/8, 127.0.0.1")
    assert is_outside("10.9.9.9", allowed)
    assert is_outside("127.0.0.1", allowed)
    assert not is_outside("127.0.0.2", allowed)
    assert not is_outside("192.168.0.1", allowed)
    with pytest.raises(ValueError, match="kitchen"):
        networks("kitchen")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "127.1"])
def test_nothing_is_sent_inward(host: str) -> None:
    """Whatever way this machine's own address is written, no byte reaches it."""
    receiver = Receiver(lambda _handler, _request: 200)
    posted = post(f"http://{host}:{receiver.url.rpartition(':')[2]}/", {}, b"{}")
    assert posted.outcome in {Outcome.FORBIDDEN_ADDRESS, Outcome.NO_SUCH_NAME}
    assert receiver.requests == []
    receiver.close()


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.DELIVERED), (204, Outcome.DELIVERED), (302, Outcome.REDIRECTED), (404, Outcome.REFUSED), (410, Outcome.GONE), (500, Outcome.REFUSED)])
def test_answers(status: int, outcome: Outcome) -> None:
    """Only 2xx is taken; a redirect is not followed."""
    receiver = Receiver(lambda _handler, _request: status)
    posted = post(receiver.url, {"webhook-id": "x"}, b"{}", allowed=HERE, deadline=PATIENCE_SECONDS)
    assert (posted.outcome, posted.status, posted.taken) == (outcome, status, 200 <= status < 300)
    assert len(receiver.requests) == 1
    assert receiver.requests[0].headers["webhook-id"] == "x"
    receiver.close()


def test_a_receiver_that_hangs_is_left() -> None:
    """No answer within the deadline is a time-out, however long it would take."""
    release = threading.Event()
    receiver = Receiver(lambda _handler, _request: (release.wait(200), None)[1])
    began = time.monotonic()
    assert post(receiver.url, {}, b"{}", allowed=HERE, deadline=0.4).outcome is Outcome.TIMED_OUT
    assert time.monotonic() - began < PATIENCE_SECONDS
    release.set()
    receiver.close()


def test_a_receiver_that_drips_is_left() -> None:
    """A byte now and then keeps nobody waiting beyond the deadline."""
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        peer, _ = listening.accept()
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000:
                peer.sendall(bytes([letter]))
                time.sleep(0.05)
        except OSError:
            return

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    posted = post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, b"{}", allowed=HERE, deadline=0.5)
    assert posted.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - began < PATIENCE_SECONDS
    listening.close()


@pytest.mark.parametrize("said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 200, b"HTTP/1.1 500 X\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 200_000])
def test_nonsense_is_no_delivery(said: bytes) -> None:
    """What is not an HTTP 2xx is never counted as taken, and never raises."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        peer, _ = listening.accept()
        try:
            peer.recv(65536)
            peer.sendall(said)
        except OSError:
            return
        finally:
            peer.close()

    threading.Thread(target=talk, daemon=True).start()
    posted = post(f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, b"{}", allowed=HERE, deadline=3)
    assert not posted.taken
    assert posted.outcome in {Outcome.BROKEN_ANSWER, Outcome.UNREACHABLE, Outcome.REFUSED, Outcome.TIMED_OUT}
    listening.close()


def test_nobody_there() -> None:
    """A closed port and an unknown name are told apart."""
    assert post(f"http://127.0.0.1:{free_port()}/", {}, b"{}", allowed=HERE, deadline=PATIENCE_SECONDS).outcome is Outcome.UNREACHABLE
    assert post("http://nothing.invalid/", {}, b"{}").outcome is Outcome.NO_SUCH_NAME
    assert post("https://" + "a" * 300 + ".kr/", {}, b"{}").outcome is Outcome.NO_SUCH_NAME


def test_tls_is_checked() -> None:
    """A server that does not speak TLS, or not for this name, is not trusted."""
    receiver = Receiver(lambda _handler, _request: 200)
    posted = post(receiver.url.replace("http://", "https://"), {}, b"{}", allowed=HERE, deadline=3)
    assert posted.outcome in {Outcome.TLS_FAILED, Outcome.UNREACHABLE, Outcome.TIMED_OUT}
    assert not posted.taken
    receiver.close()
