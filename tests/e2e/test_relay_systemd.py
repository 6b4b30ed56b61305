"""The relay as a service of a real systemd: what survives a crash, a restart, a new version; what a stop ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.people import People
from e2e.chatting import MEMBERS, chatting, check_everybody_hears, say, talk_while
from relay_service import HOME, RUNTIME_DIRECTORY, SETTINGS, RelayService, relay_service

pytestmark = [pytest.mark.needs("services"), pytest.mark.timeout(180)]
SOCKETS = 4
MOST_LOST = 20
"""Of each crash: what the relay had read and not sent on."""
FAILS = "import sys; sys.exit('I am broken.')"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RelayService]:
    with relay_service(tmp_path / "systemd") as service:
        service.systemctl("start")
        yield service


def test_after_a_crash_nobody_has_to_join_again(service: RelayService) -> None:
    with chatting(service.relay) as crowd:
        talk_while(crowd, lambda: crash(service))
        assert crowd.count_lost() <= MOST_LOST * (MEMBERS - 1)
        assert service.kept == SOCKETS
        check_everybody_hears(crowd)


def crash(service: RelayService) -> None:
    service.kill()
    service.await_restart(1)


def test_a_restart_loses_nothing_and_nobody_has_to_join_again(service: RelayService) -> None:
    before = service.pid
    with chatting(service.relay) as crowd:
        talk_while(crowd, service.restart)
        crowd.check_nothing_lost()
    assert service.pid != before


def test_a_stop_ends_everything(service: RelayService) -> None:
    with People(service.relay) as people:
        member = people.create(b"tea", b"ann")
        assert "state" in service.systemd.run("ls", f"{RUNTIME_DIRECTORY}/")
        service.systemctl("stop")
        assert service.kept == 0
        assert "No such file" in service.systemd.run("ls", f"{RUNTIME_DIRECTORY}/", check=False)
        service.systemctl("start")
        assert people.create(b"tea", b"ann").token != member.token  # the room is free


def test_people_are_told_of_an_end_for_good(service: RelayService) -> None:
    with People(service.relay) as people:
        member = people.create(b"tea", b"ann")
        member.keep_alive()
        say_stop = f"set -a; . {SETTINGS}; exec {HOME}/current/bin/relay-server admin stop"
        assert "The relay ends now" in service.systemd.run("sh", "-c", say_stop)
        member.await_notice(b"disconnected: shutdown")
    service.await_that(lambda: service.show("ActiveState") == "inactive")
    assert (service.show("Result"), service.kept) == ("success", 0)


def test_a_reload_of_the_same_version_is_for_the_certificate(service: RelayService) -> None:
    before = service.pid
    service.reload()
    service.await_that(lambda: "nothing_to_reload" in service.said())
    assert service.pid == before


def test_a_reload_replaces_another_version_and_systemd_looks_after_the_new_process(service: RelayService) -> None:
    before = service.pid
    service.put_version("two")
    with chatting(service.relay) as crowd:
        service.point_to("two")
        talk_while(crowd, service.reload)
        crowd.check_nothing_lost()
        assert service.pid != before
        assert "versions/two" in service.systemctl("status")
        service.kill()
        service.await_restart(1)
        check_everybody_hears(crowd)
        assert service.kept == SOCKETS


def test_a_process_that_took_over_may_say_what_it_keeps_and_is_ended_if_it_hangs(service: RelayService) -> None:
    before = service.pid
    service.change_unit("WatchdogSec=2")
    service.restart()  # for the watchdog, which a process is told of when it starts
    service.put_version("two")
    service.point_to("two")
    service.configure(RELAY_LOBBY_PORT="0")
    service.reload()
    service.await_that(lambda: service.kept == SOCKETS - 1)
    assert service.pid != before
    service.systemctl("kill", "--signal=STOP", "--kill-who=main")
    service.await_restart(1)
    with chatting(service.relay):
        assert service.kept == SOCKETS - 1


def test_a_version_that_does_not_start_changes_nothing(service: RelayService) -> None:
    before = service.pid
    service.put_version("broken", FAILS)
    with chatting(service.relay) as crowd:
        service.point_to("broken")
        with pytest.raises(AssertionError, match="Job for chat-relay"):
            service.reload()
        assert (service.pid, service.show("SubState"), service.kept) == (before, "running", SOCKETS)
        say(crowd)
        crowd.check_nothing_lost()


def test_sockets_that_the_settings_do_not_want_any_more_are_in_nobodys_way(service: RelayService) -> None:
    """The port is the same and the address another one: nobody can have it while systemd keeps the old socket."""
    service.configure(RELAY_HOST="::", RELAY_LOBBY_PORT="0")
    service.restart()
    assert (service.show("SubState"), service.kept) == ("running", SOCKETS - 1)
    service.kill()
    service.await_restart(1)
    with chatting(service.relay):
        assert service.kept == SOCKETS - 1
