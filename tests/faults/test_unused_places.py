"""Places that are taken over TCP and never used over UDP (threat T11): they are free again, soon or in time."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from conformance import wire
from conformance.people import People, ask, call
from conformance.relays import OwnRelay, Relay
from e2e.relay_metrics import await_metrics, scrape
from faults.relays import StartRelay

ROOM = b"demo"
JOIN = wire.frame(wire.JOIN, wire.REQUEST, ROOM, b"bob")
CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.sendall(bytes.fromhex(sys.argv[2]))
    connection.recv(4096, socket.MSG_WAITALL if sys.argv[3] == "all" else 0)
    print("answered", flush=True)
    sys.stdin.read()
"""
"""A client with a place, or nearly, that waits for its death."""


@pytest.mark.parametrize("seconds", [1.0, 3600.0], ids=["limited", "control"])
def test_an_unused_membership_expires(start_relay: StartRelay, seconds: float) -> None:
    own = start_relay(RELAY_PENDING_TIMEOUT_SECONDS=str(seconds), RELAY_MAX_MEMBERS_PER_ROOM="2")
    with People(own.relay) as people:
        ann = people.create(ROOM, b"ann")
        await_metrics(own, lambda now: now.total("relay_datagrams_accepted_total") == 1)  # her place is in use
        _, completion = ask(own.relay, JOIN)
        if seconds > 60:
            assert status_of_join(own.relay, b"eve") == wire.ROOM_FULL
            return
        await_metrics(own, lambda now: now.value("relay_evictions_total", reason="never_connected") == 1)
        ann.await_notice(b"bob was disconnected: never_connected")
        eve = people.join(ROOM, b"eve")
        bob = people.listener(own.relay.udp_port, people.local)
        bob.send(wire.chat(ROOM, completion.payload, b"hello"))  # the token is dead
        assert eve.heard_messages(after=ann) == []
        assert scrape(own).value("relay_datagrams_dropped_total", reason="unknown_token") == 1


def status_of_join(relay: Relay, name: bytes) -> int:
    return ask(relay, wire.frame(wire.JOIN, wire.REQUEST, ROOM, name))[0].payload[0]


def kill(relay: Relay) -> None:
    """Let a client die by SIGKILL between the relay's yes and its token."""
    command = [sys.executable, "-c", CLIENT, str(relay.tcp_port), JOIN.hex(), "one"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout
        assert client.stdout.readline() == b"answered\n"
        os.kill(client.pid, signal.SIGKILL)


def close(relay: Relay) -> None:
    """Close in good order, which looks as if only the sending side ended."""
    with call(relay) as connection:
        connection.sendall(JOIN)
        assert wire.read_frame(connection)


def close_unread(relay: Relay) -> None:
    """Close without having read anything, so that the system cuts the connection."""
    with call(relay) as connection:
        connection.sendall(JOIN)
        assert connection.recv(1)


def close_at_once(relay: Relay) -> None:
    """Ask, and be gone before any answer."""
    with call(relay) as connection:
        connection.sendall(JOIN)


DEATHS: list[Callable[[Relay], None]] = [kill, close, close_unread, close_at_once]


@pytest.mark.parametrize("die", DEATHS)
def test_a_client_that_dies_before_its_token_has_no_membership(
    start_relay: StartRelay, die: Callable[[Relay], None]
) -> None:
    """The pending time is an hour here: what frees the place is that the token found nobody."""
    own: OwnRelay = start_relay(RELAY_PENDING_TIMEOUT_SECONDS="3600", RELAY_COMPLETION_PAUSE_SECONDS="1")
    with People(own.relay) as people:
        ann = people.create(ROOM, b"ann")
        ann.keep_alive()
        die(own.relay)
        ann.await_notice(b"bob joined")
        ann.await_notice(b"bob left")
        assert scrape(own).value("relay_members") == 1
        bob = people.join(ROOM, b"bob")  # the name is free, too
        bob.heard(after=ann)
        ann.say(b"welcome")
        assert bob.hear() == b"ann: welcome"


def test_a_client_that_read_its_token_keeps_its_membership(start_relay: StartRelay) -> None:
    """The control: a client may end its side early, or the whole connection as soon as it has its token."""
    own = start_relay()
    with People(own.relay) as people:
        ann = people.create(ROOM, b"ann")
        for number, how in enumerate(["half", "whole"]):
            name = b"bob %d" % number
            with call(own.relay) as connection:
                connection.sendall(wire.frame(wire.JOIN, wire.REQUEST, ROOM, name))
                if how == "half":
                    connection.shutdown(1)
                _, completion = wire.read_frames(connection)
            await_metrics(own, lambda now: now.value("relay_tcp_connections") == 0)
            bob = people.listener(own.relay.udp_port, people.local)
            bob.send(wire.chat(ROOM, completion.payload, b"hello"))
            assert ann.hear() == name + b": hello"
        assert scrape(own).value("relay_members") == 3
