"""Create, join and chat: between containers, and between them and this machine through published ports."""

import pytest

from conformance import wire
from conformance.people import People, status_of
from e2e.containers.conftest import StartChat
from e2e.containers.stage import RelayContainer
from e2e.relay_metrics import Metrics

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(300)]


def test_two_containers_chat(relay: RelayContainer, start_chat: StartChat) -> None:
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    bob = start_chat("join", "demo", "--name", "bob")
    bob.is_told("You are in demo as bob")
    ann.is_told("bob joined")
    bob.say("hi ann")
    assert ann.hears("hi ann") == "bob: hi ann"
    ann.say("hi bob, 今日は")
    assert bob.hears("hi bob") == "ann: hi bob, 今日は"
    counted = Metrics(relay.ops("/metrics"))
    assert (counted.value("relay_members"), counted.value("relay_rooms")) == (2, 1)
    counted.check_books()


def test_this_machine_hosts_and_a_container_joins(people: People, start_chat: StartChat) -> None:
    ann = people.create(b"demo", b"ann")
    bob = start_chat("join", "demo", "--name", "bob")
    bob.is_told("You are in demo")
    ann.await_notice(b"bob joined")
    bob.say("hello out there")
    assert ann.hear() == b"bob: hello out there"
    ann.say(b"hello in there")
    bob.hears("ann: hello in there")
    ann.leave()
    bob.is_told("left")


def test_a_container_hosts_and_this_machine_joins(relay: RelayContainer, people: People, start_chat: StartChat) -> None:
    ann = start_chat("create", "demo", "--name", "ann")
    ann.is_told("You created demo")
    assert status_of(relay.relay, wire.frame(wire.JOIN, wire.REQUEST, b"demo", b"ann")) == wire.NAME_TAKEN
    bob = people.join(b"demo", b"bob")
    ann.is_told("bob joined")
    bob.say(b"knock, knock")
    ann.hears("bob: knock, knock")
    ann.say("come in")
    assert bob.hear() == b"ann: come in"


def test_the_lobby_through_a_published_port(relay: RelayContainer, people: People, start_chat: StartChat) -> None:
    ann = start_chat("lobby", "--name", "ann")
    ann.is_told("You are in the lobby")
    bob = people.listener(relay.relay.lobby_port, people.local)
    bob.send(wire.lobby(b"bob", b"hello lobby"))
    ann.hears("bob: hello lobby")
    ann.say("hello bob")
    assert bob.receive_until(lambda data: data.endswith(b"hello bob")) == wire.lobby(b"ann", b"hello bob")
