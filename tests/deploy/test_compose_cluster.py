"""The compose file of a cluster: three relays that differ in nothing but their name, and a directory for them alone."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.compose import BASE, CLUSTER, configured, run
from docs.markdown import read
from relay_server.settings import Settings, load_settings, variable

NODES = ("relay", "relay-2", "relay-3")
SCRIPT = "deploy/compose/cluster-secrets.sh"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    whole: dict[str, Any] = configured(BASE, CLUSTER)
    return whole


@pytest.fixture(scope="module")
def services(found: dict[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = found["services"]
    return named


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    made = run(SCRIPT, str(folder))
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    return folder


def without_own(service: dict[str, Any]) -> dict[str, Any]:
    """Return what a node has in common with the others."""
    own = {"ports", "networks", "build", "environment"}
    named = ("RELAY_NODE_NAME", "RELAY_NODE_ADDRESS", "RELAY_WEB_URL")
    others = {name: value for name, value in service["environment"].items() if name not in named}
    return {name: value for name, value in service.items() if name not in own} | {"environment": others}


def test_the_nodes_are_the_same_but_for_name_and_address(services: dict[str, Any]) -> None:
    first, *others = (without_own(services[name]) for name in NODES)
    assert others == [first, first]
    addresses = [services[name]["environment"]["RELAY_NODE_ADDRESS"] for name in NODES]
    assert [services[name]["environment"]["RELAY_NODE_NAME"] for name in NODES] == list(NODES)
    assert [services[name]["networks"]["chat"]["ipv4_address"] for name in NODES] == addresses
    assert len(set(addresses)) == len(NODES)


def test_only_the_first_is_built_and_publishes_ports(services: dict[str, Any]) -> None:
    assert [name for name in NODES if "build" in services[name]] == ["relay"]
    assert [name for name in NODES if services[name].get("ports")] == ["relay"]


def test_the_addresses_are_in_the_network_whose_first_numbers_can_be_changed() -> None:
    changed = configured(BASE, CLUSTER, environment={"CLUSTER_NETWORK": "10.9.8"})
    (pool,) = changed["networks"]["chat"]["ipam"]["config"]
    assert pool["subnet"] == "10.9.8.0/24"
    for name in NODES:
        assert changed["services"][name]["environment"]["RELAY_NODE_ADDRESS"].startswith("10.9.8.")


def test_people_open_each_nodes_page_at_its_address_unless_the_operator_names_one(services: dict[str, Any]) -> None:
    for name in NODES:
        environment = services[name]["environment"]
        assert environment["RELAY_WEB_URL"] == f"{environment['RELAY_NODE_ADDRESS']}:9080"
    named = configured(BASE, CLUSTER, environment={"RELAY_WEB_URL": "https://chat.example.org"})["services"]
    assert {named[name]["environment"]["RELAY_WEB_URL"] for name in NODES} == {"https://chat.example.org"}


def test_only_the_nodes_reach_the_directory(found: dict[str, Any], services: dict[str, Any]) -> None:
    assert found["networks"]["directory"]["internal"]
    assert {name for name, service in services.items() if "directory" in service["networks"]} == {*NODES, "nats"}
    assert services["nats"]["networks"].keys() == {"directory"}
    assert not services["nats"].get("ports")
    assert services["nats"]["user"] not in {"", "0", "root", "0:0"}
    for name in NODES:
        assert services[name]["depends_on"]["nats"]["condition"] == "service_healthy"


def test_prometheus_finds_all_nodes_under_the_name_of_the_first(services: dict[str, Any]) -> None:
    assert re.search(r"names: \[relay\]", read("deploy/prometheus/prometheus.yml"))
    for name in NODES[1:]:
        assert services[name]["networks"]["ops"]["aliases"] == ["relay"]


def test_there_are_bots_at_all_nodes(services: dict[str, Any]) -> None:
    at = {name: service["environment"]["BOT_SERVER"] for name, service in services.items() if "BOT_" in str(service)}
    assert set(at.values()) == {"chat-relay:9000", "relay-2:9000", "relay-3:9000"}
    assert "profiles" not in services["bot"]
    for name, server in at.items():
        host = server.partition(":")[0].replace("chat-relay", "relay")
        assert services[name]["depends_on"][host]["condition"] == "service_healthy", name


def test_secrets_are_in_files_and_nowhere_else(found: dict[str, Any], services: dict[str, Any]) -> None:
    fields = {variable("cluster_url").lower(), variable("cluster_key").lower()}
    for name in NODES:
        assert {secret["target"] for secret in services[name]["secrets"]} == {
            f"/run/secrets/{field}" for field in fields
        }
        assert all(services[name]["environment"][field.upper()] is None for field in fields)
    folder = Path(SCRIPT).with_name("secrets")
    used = {secret["source"] for name in (*NODES, "nats") for secret in services[name]["secrets"]}
    assert {Path(found["secrets"][name]["file"]).parent.name for name in used} == {folder.name}
    assert "*\n!.gitignore\n" in read(str(folder / ".gitignore"))


@pytest.fixture
def settings(secrets: Path, services: dict[str, Any]) -> Iterator[Settings]:
    """Read what the second node is told, as the relay does."""
    told = services["relay-2"]["environment"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            if value is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, value)
        yield load_settings(secrets_dir=secrets)


def test_a_node_takes_the_secrets_that_the_script_makes(secrets: Path, settings: Settings) -> None:
    assert len(settings.cluster_key) == 64
    password = (secrets / "nats_relay_password").read_text().strip()
    assert re.fullmatch("r[0-9a-f]{64}", password)
    assert settings.cluster_url == f"nats://relay:{password}@nats:4222"
    assert settings.node_name == "relay-2"


def test_the_script_keeps_others_out_and_what_is_there(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert before.keys() == {"nats_relay_password", "relay_cluster_key", "relay_cluster_url"}
    # In a container a user that doesn't exist on this machine reads them.
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in secrets.iterdir())
    again = run(SCRIPT, str(secrets))
    assert again.stdout == f"cluster-secrets: {secrets} has them already\n"
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before


def test_two_runs_make_different_secrets(secrets: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert not run(SCRIPT, os.fspath(other)).returncode
    for path in secrets.iterdir():
        assert path.read_text() != (other / path.name).read_text()
