"""``chat`` as a filter, when it was evicted and when its relay is gone."""

import signal
from collections.abc import Callable
from typing import Any

from e2e.piped import Chat, once

Relay = Any


def test_an_eviction_is_told_and_lived_through(chat: Callable[..., Chat], start_relay: Callable[..., Relay]) -> None:
    relay = start_relay(RELAY_SILENCE_TIMEOUT_SECONDS="2")
    ann = chat("create", "demo", "--name", "ann", "--server", relay.server)
    ann.is_told("You created")
    bob = chat("join", "demo", "--name", "bob", "--server", relay.server, "--no-rejoin")
    eve = chat("join", "demo", "--name", "eve", "--server", relay.server)
    for member in (bob, eve):
        member.is_told("You are in")
        member.process.send_signal(signal.SIGSTOP)  # a laptop falls asleep
    evicted = {ann.is_told("was disconnected (silence)").split()[0] for _ in range(2)}
    assert evicted == {"bob", "eve"}
    for member in (bob, eve):
        member.process.send_signal(signal.SIGCONT)
    bob.is_told("chat: Nothing was heard from you for too long.")
    bob.ends(1)
    eve.is_told("Trying again in")
    eve.is_told("You are back")
    eve.say("good morning")
    ann.hears("eve: good morning")


def test_hosts_create_their_rooms_again_when_the_relay_was_killed_and_who_may_not_come_back_ends(
    chat: Callable[..., Chat], start_relay: Callable[..., Relay]
) -> None:
    relay = start_relay(RELAY_HIDE_ROOMS="true")
    ann = chat("create", "demo", "--name", "ann", "--server", relay.server)
    eve = chat("create", "closed", "--name", "eve", "--server", relay.server, CHAT_PASSWORD="open sesame")
    for host in (ann, eve):
        host.is_told("You created")
    relay.process.kill()
    relay.process.wait()
    for host in (ann, eve):
        host.say("lost")  # comes back as undeliverable, and so tells what happened
        host.is_told("Trying again in")
    again = start_relay(
        RELAY_TCP_PORT=str(relay.tcp_port),
        RELAY_UDP_PORT=str(relay.udp_port),
        RELAY_LOBBY_PORT=str(relay.lobby_port),
        RELAY_HIDE_ROOMS="true",
    )
    for host in (ann, eve):
        host.is_told("You are back")
    closed = ("join", "closed", "--name", "bob", "--server", again.server)
    assert once(*closed, text="hi\n").returncode == 1
    assert once(*closed, text="hi\n", CHAT_PASSWORD="open sesame").returncode == 0
    eve.hears("bob: hi")
    bob = chat("join", "demo", "--name", "bob", "--server", again.server, "--no-rejoin")
    bob.say("you are here again")
    ann.hears("bob: you are here again")
    again.process.send_signal(signal.SIGTERM)
    bob.is_told("chat: The relay is shutting down.")
    bob.ends(1)
