"""What makes a relay a node: what goes together, what is said when it doesn't, and what nobody is shown."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from relay_server.cluster_settings import (
    HIDDEN,
    ClusterUrl,
    NodeAddress,
    default_node_name,
    hide_password,
    parse_node_address,
    parse_url,
)
from relay_server.commands.config import as_env_file, as_json, as_markdown, as_text
from relay_server.described import describe
from relay_server.settings import Settings, SettingsError, load_settings, variable

KEY = "0123456789abcdef0123456789abcdef"
NODE = {"RELAY_CLUSTER_URL": "nats://127.0.0.1:4222", "RELAY_CLUSTER_KEY": KEY, "RELAY_NODE_ADDRESS": "one.example"}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Settings:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load_settings(secrets_dir=Path("/nowhere"))


def complaint(monkeypatch: pytest.MonkeyPatch, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, **environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_relay_is_alone_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load(monkeypatch).cluster_url


def test_a_node_has_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **NODE, RELAY_NODE_NAME="one")
    assert (settings.node_name, settings.node_address, settings.link_port) == ("one", "one.example", 9004)


@pytest.mark.parametrize(
    ("missing", "words"),
    [("RELAY_CLUSTER_KEY", "needs RELAY_CLUSTER_KEY"), ("RELAY_NODE_ADDRESS", "needs RELAY_NODE_ADDRESS")],
)
def test_half_a_node_stops_the_start(monkeypatch: pytest.MonkeyPatch, missing: str, words: str) -> None:
    assert words in complaint(monkeypatch, **NODE | {missing: ""})


def test_a_short_key_stops_the_start_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    said = complaint(monkeypatch, **NODE | {"RELAY_CLUSTER_KEY": KEY[:-1]})
    assert said.startswith("RELAY_CLUSTER_KEY has fewer than 32 characters")
    assert KEY[:-1] not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_CLUSTER_URL", "http://127.0.0.1:4222"),
        ("RELAY_CLUSTER_URL", "nats://"),
        ("RELAY_CLUSTER_URL", "127.0.0.1:4222"),
        ("RELAY_CLUSTER_URL", "nats://host:port"),
        ("RELAY_CLUSTER_URL", "nats://host:0"),
        ("RELAY_CLUSTER_URL", "nats://one:4222,"),
        ("RELAY_CLUSTER_URL", "nats://one:4222, two:4222"),
        ("RELAY_CLUSTER_URL", "nats://user@host"),
        ("RELAY_CLUSTER_URL", "nats://host/path"),
        ("RELAY_NODE_NAME", "One"),
        ("RELAY_NODE_NAME", "one.two"),
        ("RELAY_NODE_NAME", "a" * 65),
        ("RELAY_NODE_ADDRESS", "0.0.0.0"),
        ("RELAY_NODE_ADDRESS", "[::]:9000"),
        ("RELAY_NODE_ADDRESS", "::1"),
        ("RELAY_NODE_ADDRESS", "host:"),
        ("RELAY_NODE_ADDRESS", "host:0"),
        ("RELAY_NODE_ADDRESS", "host:65536"),
        ("RELAY_NODE_ADDRESS", "host:1:2:3"),
        ("RELAY_NODE_ADDRESS", "two hosts"),
        ("RELAY_LINK_PORT", "0"),
    ],
)
def test_what_cannot_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert complaint(monkeypatch, **NODE | {name: value}).startswith(name)


def test_a_bad_url_is_not_shown_as_it_may_have_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    said = complaint(monkeypatch, **NODE | {"RELAY_CLUSTER_URL": "http://relay:hunter2@host"})
    assert said.startswith("RELAY_CLUSTER_URL is invalid: write nats://")
    assert "hunter2" not in said


@pytest.mark.parametrize("name", ["RELAY_CLUSTER_CREDENTIALS_FILE", "RELAY_CLUSTER_CA_FILE"])
def test_a_file_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert complaint(monkeypatch, **NODE | {name: "/nowhere/file"}) == f"{name} names no file: correct it or remove it."


def test_an_authority_without_tls_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    said = complaint(monkeypatch, **NODE, RELAY_CLUSTER_CA_FILE=__file__)
    assert said.startswith("RELAY_CLUSTER_CA_FILE is for TLS: write tls://")
    tls = {"RELAY_CLUSTER_URL": "tls://127.0.0.1:4222", "RELAY_CLUSTER_CA_FILE": __file__}
    assert load(monkeypatch, **NODE | tls).cluster_ca_file == __file__


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "nats" else find(name, *more))
    assert "pip install relay-server[cluster]" in complaint(monkeypatch, **NODE)


def test_ports_for_one_purpose_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, RELAY_LINK_PORT="9000").link_port == 9000  # nobody listens there without a cluster
    assert "RELAY_LINK_PORT are both 9000" in complaint(monkeypatch, **NODE, RELAY_LINK_PORT="9000")
    assert "RELAY_OPS_PORT are both 9100" in complaint(monkeypatch, **NODE, RELAY_LINK_PORT="9100")


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("nats://host", ClusterUrl(("host:4222",), tls=False, user=None, password=None)),
        ("tls://one:1,two,[::1]:3", ClusterUrl(("one:1", "two:4222", "[::1]:3"), tls=True, user=None, password=None)),
        ("nats://me:a%40b:c@host", ClusterUrl(("host:4222",), tls=False, user="me", password="a@b:c")),
        ("nats://me:a@b@host", ClusterUrl(("host:4222",), tls=False, user="me", password="a@b")),
    ],
)
def test_urls_are_read(url: str, read: ClusterUrl) -> None:
    assert parse_url(url) == read


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("host", NodeAddress("host", 9000, 9001)),
        ("host:1", NodeAddress("host", 1, 9001)),
        ("192.0.2.1:1:2", NodeAddress("192.0.2.1", 1, 2)),
        ("[2001:db8::1]:1", NodeAddress("[2001:db8::1]", 1, 9001)),
    ],
)
def test_addresses_are_read(address: str, read: NodeAddress) -> None:
    assert parse_node_address(address, 9000, 9001) == read


def test_the_machines_name_can_be_a_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Relay_1.example.org")
    assert default_node_name() == "relay-1"
    monkeypatch.setattr("socket.gethostname", lambda: "")
    assert default_node_name() == "node"
    monkeypatch.setattr("socket.gethostname", lambda: "a" * 80)
    assert default_node_name() == "a" * 64


@pytest.mark.parametrize("write", [as_text, as_json, as_markdown, as_env_file])
def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch, write: Any) -> None:
    settings = load(monkeypatch, **NODE | {"RELAY_CLUSTER_URL": "nats://relay:hunter2@host:4222"})
    shown = write(describe(settings))
    for text in (shown, repr(settings)):
        assert "hunter2" not in text
        assert KEY not in text
    assert (HIDDEN in shown) is (write is not as_markdown)  # which tells defaults alone


def test_an_env_file_sets_no_secret_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = as_env_file(describe(load(monkeypatch, **NODE))).splitlines()
    assert f"#RELAY_CLUSTER_KEY={HIDDEN}" in lines
    assert "RELAY_CLUSTER_URL=nats://127.0.0.1:4222" in lines
    assert hide_password("nats://a:b@c") == f"nats://{HIDDEN}@c"
