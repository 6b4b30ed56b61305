"""A node and its cluster: the directory, the node's name and address, and the other nodes."""

from dataclasses import replace
from typing import Any

import pytest

from relay_server import __version__
from relay_server.doctor.checks import examine
from relay_server.doctor.cluster import check_cluster
from relay_server.doctor.facts import ClusterFacts, Facts, NodeFacts, Port
from relay_server.doctor.findings import Finding, Mark
from services.relay_server.doctor.sound import BRIDGE, SOUND, running

OK, NOTE, PROBLEM = Mark
BETA = NodeFacts(
    "beta", "beta.example:9000", __version__, "beta.example:9004", answers_clients=True, answers_links=True
)
NEAR = replace(BETA, address="127.0.0.1:9010", link="127.0.0.1:9014")
WELL = ClusterFacts("alpha", "alpha.example", ("192.0.2.7",), is_connected=True, nodes=(BETA,))


def found(base: Facts = SOUND, **values: Any) -> list[Finding]:
    """Return what is said of a node of which something is otherwise."""
    return list(check_cluster(replace(base, cluster=replace(WELL, **values))))


def test_of_a_relay_that_is_alone_nothing_is_said() -> None:
    assert not list(check_cluster(SOUND))


def test_a_node_that_is_well_has_nothing_but_ok() -> None:
    assert [(finding.check, finding.mark) for finding in found()] == [
        ("directory", OK), ("node_address", OK), ("node_name", OK), ("nodes", OK)
    ]  # fmt: skip
    assert list(examine(replace(SOUND, cluster=WELL)))[-4:] == found()


def test_its_link_port_is_among_the_ports() -> None:
    link = Port("RELAY_LINK_PORT", "TCP", 9004)
    findings = list(examine(replace(SOUND, ports=replace(SOUND.ports, link=link))))
    assert [finding.says for finding in findings if finding.check == "link_port"] == ["TCP 9004 - free."]


@pytest.mark.parametrize(
    ("values", "check", "mark", "says"),
    [
        ({"is_connected": False, "reasons": ("no", "late")}, "directory", PROBLEM, "(no; late): nobody"),
        ({"is_connected": False}, "directory", PROBLEM, "NATS can't be reached: nobody"),
        (
            {"missing_rights": ("write records", "watch records"), "reasons": ("no",)},
            "directory", PROBLEM, "doesn't let this node write records, watch records (no).",
        ),
        ({"host_addresses": ()}, "node_address", PROBLEM, "alpha.example doesn't resolve here"),
        ({"host_addresses": ("127.0.1.1",)}, "node_address", PROBLEM, "but other nodes are on other machines"),
        ({"host_addresses": ("::1",), "nodes": (NEAR, BETA)}, "node_address", PROBLEM, "on other machines"),
        ({"host_addresses": ("127.0.0.1", "::1"), "nodes": (NEAR,)}, "node_address", NOTE, "this machine alone"),
        (
            {"host": "localhost", "host_addresses": ("127.0.0.1",), "nodes": (replace(NEAR, link="localhost:1"),)},
            "node_address", NOTE, "localhost is 127.0.0.1, which leads to this machine alone",
        ),
        ({"host": "[2001:db8::9]", "host_addresses": ("2001:db8::9",)}, "node_address", OK, "[2001:db8::9]."),
        ({"sharers": ("beta", "gamma")}, "node_address", PROBLEM, "is also the address of beta, gamma: who"),
        ({"namesakes": ("other:9000",)}, "node_name", PROBLEM, "also the name of another node (other:9000)"),
        ({"nodes": ()}, "nodes", NOTE, "no other one was heard"),
        ({"nodes": (), "ignored": ("bad_seal",)}, "nodes", PROBLEM, "it has another RELAY_CLUSTER_KEY"),
        ({"ignored": ("malformed",)}, "nodes", PROBLEM, "it has another version"),
        ({"ignored": ("clock",)}, "nodes", PROBLEM, "a clock that differs"),
        ({"nodes": (replace(BETA, answers_links=False),)}, "nodes", PROBLEM, "at its link port, beta.example:9004"),
        ({"nodes": (replace(BETA, answers_clients=False),)}, "nodes", PROBLEM, "answer clients at beta.example:9000"),
        ({"nodes": (replace(BETA, version="0.0.1"),)}, "nodes", NOTE, f"different versions: 0.0.1, {__version__}."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(values: dict[str, Any], check: str, mark: Mark, says: str) -> None:
    findings = [finding for finding in found(**values) if finding.check == check]
    assert [finding.mark for finding in findings if says in finding.says] == [mark]
    assert all(finding.advice or finding.mark is OK for finding in findings)


def test_without_a_directory_nothing_is_said_of_other_nodes() -> None:
    assert [finding.check for finding in found(is_connected=False)] == ["directory", "node_address"]


def test_a_container_that_names_its_own_address_is_told() -> None:
    (_, address, *_) = found(replace(SOUND, container=BRIDGE))
    assert (address.mark, "an address of this container" in address.says) == (PROBLEM, True)
    (_, address, *_) = found(replace(SOUND, container=BRIDGE), host_addresses=("198.51.100.9",))
    assert address.mark is OK


@pytest.mark.parametrize(("namesakes", "mark"), [((), OK), (("a:1",), OK), (("a:1", "b:2"), PROBLEM)])
def test_a_relay_that_runs_here_hears_itself(namesakes: tuple[str, ...], mark: Mark) -> None:
    names = [finding for finding in found(running(), namesakes=namesakes) if finding.check == "node_name"]
    assert [finding.mark for finding in names] == [mark]


def test_the_version_that_runs_here_counts() -> None:
    findings = found(running(version="0.0.9"))
    assert [finding.says for finding in findings if finding.mark is NOTE] == [
        f"they have different versions: 0.0.9, {__version__}."
    ]
