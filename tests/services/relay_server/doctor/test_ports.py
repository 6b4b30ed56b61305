"""Ports: free, the relay's, somebody else's."""

from dataclasses import replace

import pytest

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.doctor.ports import check_ports
from services.relay_server.doctor.sound import BRIDGE, SOUND, make_settings, running, settings, taken

PORTS = ("tcp_port", "udp_port", "lobby_port", "ops_port")


def findings(facts: Facts) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_ports(facts)}


def marks(facts: Facts) -> list[Mark]:
    found = findings(facts)
    return [found[name].mark for name in PORTS]


def test_free_ports_are_fine() -> None:
    assert marks(SOUND) == [Mark.OK] * 4
    assert findings(SOUND)["udp_port"].says == "UDP 9001 - free."


def test_the_relays_own_ports_are_fine() -> None:
    assert marks(running()) == [Mark.OK] * 4
    assert findings(running())["tcp_port"].says == "TCP 9000 - in use by the relay (python, process 4711)."


def test_ports_of_a_relay_that_another_user_runs_are_fine() -> None:
    facts = replace(running(), ports=taken(tcp=None, udp=None, lobby=None, ops=None).ports)
    assert marks(facts) == [Mark.OK] * 4
    assert findings(facts)["tcp_port"].says == "TCP 9000 - in use by the relay."


def test_somebody_elses_ports_are_problems() -> None:
    found = findings(taken("nginx"))
    assert marks(taken("nginx")) == [Mark.PROBLEM] * 4
    assert found["tcp_port"].says == "TCP 9000 - in use by another program (nginx, process 4711)."
    assert found["tcp_port"].advice == "TCP port 9000 is in use: choose another."


def test_one_port_may_be_somebody_elses_although_the_relay_runs() -> None:
    facts = replace(running(), ports=taken(lobby="dnsmasq").ports)
    assert marks(facts) == [Mark.OK, Mark.OK, Mark.PROBLEM, Mark.OK]


def test_an_ops_port_that_speaks_of_no_relay_is_somebody_elses() -> None:
    assert marks(replace(running(), relay=None)) == [Mark.OK, Mark.OK, Mark.OK, Mark.PROBLEM]


def test_a_port_that_cant_be_had_says_why() -> None:
    why = "TCP port 9000 on 192.0.2.1 can't be listened on: check the host."
    facts = replace(SOUND, ports=replace(SOUND.ports, tcp=replace(SOUND.ports.tcp, refusal=why)))
    for answers in (False, True):
        finding = findings(replace(facts, answers=answers))["tcp_port"]
        assert (finding.mark, finding.says) == (Mark.PROBLEM, f"TCP 9000 - {why}")


def test_a_free_port_beside_a_running_relay_is_noted() -> None:
    facts = replace(running(), ports=replace(taken().ports, udp=SOUND.ports.udp))
    assert marks(facts) == [Mark.OK, Mark.NOTE, Mark.OK, Mark.OK]


@pytest.mark.parametrize(("is_root", "expected"), [(True, Mark.NOTE), (False, Mark.OK)])
def test_a_low_port_is_for_root_alone(is_root: bool, expected: Mark) -> None:
    facts = replace(SOUND, machine=replace(SOUND.machine, is_root=is_root))
    facts = replace(facts, ports=replace(SOUND.ports, tcp=replace(SOUND.ports.tcp, number=443)))
    assert findings(facts)["tcp_port"].mark is expected
    assert marks(replace(facts, ports=replace(facts.ports, unprivileged_from=None)))[0] is Mark.OK


def test_a_rootless_engines_forwarder_is_a_problem() -> None:
    facts = replace(running(), ports=taken("rootlesskit").ports)
    assert marks(facts)[:3] == [Mark.PROBLEM] * 3
    assert "rootless engine (rootlesskit" in findings(facts)["udp_port"].says


def test_metrics_for_everybody_are_noted_but_not_in_a_container() -> None:
    facts = replace(running(), settings=make_settings(ops_host="::"))
    assert marks(facts)[3] is Mark.NOTE
    assert marks(replace(facts, container=BRIDGE))[3] is Mark.OK


def test_ports_that_are_off() -> None:
    found = findings(replace(SOUND, ports=replace(SOUND.ports, lobby=None, ops=None)))
    assert "lobby_port" not in found
    assert found["ops_port"].mark is Mark.NOTE


def test_udp_is_tcp_plus_one() -> None:
    assert findings(settings(tcp_port=7000, udp_port=7001))["port_numbers"].mark is Mark.OK
    other = findings(settings(tcp_port=7000))["port_numbers"]
    assert other.mark is Mark.PROBLEM
    assert "RELAY_UDP_PORT=7001" in other.advice
