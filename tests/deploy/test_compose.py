"""The compose files: legal, hardened, closed to the outside but for the chat, and changed by .env alone."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import bot_client.settings
from deploy.compose import AIRGAP, BASE, CLUSTER, HOST, PUBLIC, PUBLIC_HOST, configured, run, tool
from docs.markdown import ROOT, read
from relay_server.described import describe
from relay_server.operator.location import SERVICE_DIRECTORY
from relay_server.settings import Settings, load_settings, variable

ALONE = [(BASE,), (BASE, HOST), (BASE, CLUSTER), (BASE, PUBLIC), (BASE, HOST, PUBLIC_HOST)]
COMBINATIONS = [*ALONE, *((*files, AIRGAP) for files in ALONE)]
DOMAIN = {"CHAT_DOMAIN": "chat.example.org"}
BOTS = {"host", "bot", "silent", "probe", "load"}
CHAT_PORTS = {("9000", "tcp"), ("9001", "udp"), ("9002", "udp"), ("9080", "tcp")}
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::?-([^}]*))?\}")
DEFAULT = re.compile(r"\$\{([A-Z_]+)(?::?-([^}$]*))?")
"""A default that has other variables in it isn't told."""

every_combination = pytest.mark.parametrize("files", COMBINATIONS, ids=" ".join)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = configured()["services"]
    return found


def environment(service: dict[str, Any]) -> dict[str, str | None]:
    found: dict[str, str | None] = service.get("environment", {})
    return found


def examples() -> dict[str, str]:
    """Return names and values of .env.example, all of which are commented out."""
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", read(".env.example"), re.MULTILINE))


def used() -> dict[str, str]:
    """Return names and defaults of all variables in the compose files, those that are passed on included."""
    found = dict(DEFAULT.findall("".join(read(file) for file in (BASE, HOST, CLUSTER, PUBLIC))))
    relay_defaults = {setting.name: setting.default for setting in describe(load_settings({}), {})}
    passed_on = re.findall(r"^ +(RELAY_[A-Z_]+):$", read(BASE), re.MULTILINE)
    return found | {name: relay_defaults[name] for name in passed_on}


def test_the_schema_takes_the_file_as_it_is_written_and_all_combinations(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.json" for number, _ in enumerate(COMBINATIONS)]
    for path, files in zip(paths, COMBINATIONS, strict=True):
        path.write_text(json.dumps(configured(*files, environment=DOMAIN)), encoding="utf-8")
    checked = run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", BASE, *map(str, paths))
    assert not checked.returncode, checked.stdout + checked.stderr


@every_combination
def test_every_service_is_hardened(files: tuple[str, ...]) -> None:
    for name, service in configured(*files, environment=DOMAIN)["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        # Caddy's program can't start without it; its process hasn't got it (tests/e2e/containers/test_public.py).
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else []), name
        assert "privileged" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert 0 < service["pids_limit"] <= 256, name
        assert 0 < int(service["mem_limit"]) <= 2**30, name
        # More than an engine has to give is refused, and bare machines give 20,000 or fewer.
        assert 0 < service["ulimits"]["nofile"] <= 16_384, name
        assert service["restart"] == "unless-stopped", name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_the_services_are_those_that_are_promised(services: dict[str, Any]) -> None:
    assert services.keys() == BOTS | {"relay", "prometheus", "grafana"}
    assert services["bot"]["scale"] == 2
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "load": ["load"]
    }


def relays_user() -> str:
    (user,) = re.findall(r"^USER (\d+):\1$", read("Dockerfile.server"), re.MULTILINE)
    return str(user)


@every_combination
def test_the_relays_state_is_on_a_volume_that_its_user_alone_may_read(files: tuple[str, ...]) -> None:
    found = configured(*files, environment=DOMAIN)
    relay = found["services"]["relay"]
    directory = environment(relay)["RELAY_STATE_DIRECTORY"]
    (volume,) = [one for one in relay["volumes"] if one["target"] == directory]
    assert (volume["type"], volume["source"]) == ("volume", "relay-state")
    assert "relay-state" in found["volumes"]
    user = relays_user()
    assert f" install -d -o {user} -g {user} -m 0700 {directory}\n" in read("Dockerfile.server")


def test_the_state_can_be_turned_off() -> None:
    found = configured(environment={"RELAY_STATE_DIRECTORY": ""})
    assert environment(found["services"]["relay"])["RELAY_STATE_DIRECTORY"] == ""


def test_the_relay_may_write_to_one_small_place_for_the_operators_socket(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "tmpfs" in service} <= {"relay", "grafana"}
    (place,) = services["relay"]["tmpfs"]
    path, _, options = place.partition(":")
    assert path == str(SERVICE_DIRECTORY)
    user = relays_user()
    assert {f"uid={user}", f"gid={user}", "mode=0700", "size=64k"} <= set(options.split(","))


def test_bots_wait_for_a_relay_that_is_well(services: dict[str, Any]) -> None:
    for name in BOTS:
        assert services[name]["depends_on"]["relay"]["condition"] == "service_healthy"


def test_the_probe_needs_no_other_bots(services: dict[str, Any]) -> None:
    assert services["probe"]["depends_on"].keys() == {"relay"}


def test_only_the_chat_is_open_to_other_machines(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert {(port["published"], port["protocol"]) for port in ports if "host_ip" not in port} == CHAT_PORTS
    assert {port["host_ip"] for port in ports if "host_ip" in port} == {"127.0.0.1"}


def test_nothing_that_is_published_is_on_an_internal_network_alone(services: dict[str, Any]) -> None:
    networks = configured()["networks"]
    assert [name for name, network in networks.items() if network.get("internal")] == ["ops"]
    for name, service in services.items():
        assert "ports" not in service or service["networks"].keys() - {"ops"}, name


def test_published_ports_equal_the_containers_ports() -> None:
    names = ("RELAY_TCP_PORT", "RELAY_UDP_PORT", "RELAY_LOBBY_PORT")
    numbers = {name: str(number) for number, name in enumerate(names, 19_000)}
    services = configured(environment=numbers)["services"]
    *open_ports, _ = (port for port in services["relay"]["ports"] if "host_ip" not in port)
    assert [(port["published"], str(port["target"])) for port in open_ports] == [(n, n) for n in numbers.values()]
    assert environment(services["relay"]).items() >= numbers.items()
    assert {environment(services[name])["BOT_SERVER"] for name in BOTS} == {"chat-relay:19000"}


@pytest.mark.parametrize(
    ("port", "inside", "link"),
    [("9080", "9080", "localhost:9080"), ("8080", "9080", "localhost:8080"), ("0", "0", "localhost:0")],
)
def test_the_page_has_any_port_outside_and_none_is_legal(tmp_path: Path, port: str, inside: str, link: str) -> None:
    for by_file in (False, True):
        folder = tmp_path / str(by_file)
        folder.mkdir()
        (folder / ".env").write_text(f"RELAY_WEB_PORT={port}\n" if by_file else "")
        changes = {} if by_file else {"RELAY_WEB_PORT": port}
        relay = configured(environment=changes, folder=folder)["services"]["relay"]
        assert environment(relay)["RELAY_WEB_PORT"] == inside
        assert [one["published"] for one in relay["ports"] if one["target"] == 9080] == [port]
        assert environment(relay)["RELAY_WEB_URL"] == link
        on_host = configured(BASE, HOST, environment=changes, folder=folder)["services"]["relay"]
        assert environment(on_host)["RELAY_WEB_PORT"] == port


def test_a_public_page_needs_its_domain_and_says_so() -> None:
    for files in ((BASE, PUBLIC), (BASE, HOST, PUBLIC_HOST)):
        named = [word for file in files for word in ("-f", file)]
        refused = run(tool("docker-compose"), *named, "--env-file", "/dev/null", "config")
        assert refused.returncode
        (line,) = refused.stderr.splitlines()
        assert line.endswith("missing a value: write a line such as CHAT_DOMAIN=chat.example.org into .env")


def test_a_public_page_is_reached_through_caddy_alone_and_caddy_alone_is_trusted() -> None:
    found = configured(BASE, PUBLIC, environment=DOMAIN | {"CHAT_NETWORK": "10.9.8"})
    relay, caddy = found["services"]["relay"], found["services"]["caddy"]
    (page,) = (port for port in relay["ports"] if port["target"] == 9080)
    assert page["host_ip"] == "127.0.0.1"
    assert [port["published"] for port in caddy["ports"]] == ["80", "443"]
    assert caddy["networks"] == {"chat": {"ipv4_address": "10.9.8.250"}}
    assert environment(relay)["RELAY_WEB_TRUSTED_PROXIES"] == "10.9.8.250"
    assert relay["networks"]["chat"] == {"aliases": ["chat-relay"], "ipv4_address": "10.9.8.249"}
    assert environment(caddy)["CHAT_PAGE"] == "10.9.8.249:9080"
    assert environment(relay)["RELAY_WEB_URL"] == "chat.example.org"
    assert caddy["user"] not in {"", "0", "root", "0:0"}
    variables = set(re.findall(r"{\$(\w+)}", read("deploy/compose/Caddyfile")))
    assert variables == {name for name in environment(caddy) if name.startswith("CHAT_")}
    on_host = configured(BASE, HOST, PUBLIC_HOST, environment=DOMAIN | {"RELAY_WEB_PORT": "8080"})["services"]
    assert environment(on_host["relay"])["RELAY_WEB_TRUSTED_PROXIES"] == "127.0.0.1"
    assert environment(on_host["caddy"])["CHAT_PAGE"] == "127.0.0.1:8080"
    assert not on_host["caddy"].keys() & {"networks", "ports", "sysctls"}
    assert (ROOT / "deploy/compose/Caddyfile").samefile(on_host["caddy"]["volumes"][0]["source"])


def test_the_certificate_that_caddy_has_can_be_the_relays() -> None:
    relay = configured(BASE, PUBLIC, environment=DOMAIN | {"TLS_DIR": "caddy-data"})["services"]["relay"]
    (place,) = [one for one in relay["volumes"] if one["target"] == "/tls"]
    assert (place["type"], place["source"], place["read_only"]) == ("volume", "caddy-data", True)


def test_on_the_machines_own_network_the_relay_shows_its_metrics_to_containers_alone() -> None:
    found = configured(BASE, HOST)
    relay, services = found["services"]["relay"], found["services"]
    assert relay["network_mode"] == "host"
    assert not relay.keys() & {"networks", "ports"}
    (pool,) = found["networks"]["ops"]["ipam"]["config"]
    assert environment(relay)["RELAY_OPS_HOST"] == pool["gateway"]
    for name in (*BOTS, "prometheus"):
        assert services[name]["extra_hosts"] == [f"chat-relay={pool['gateway']}"], name
    (targets,) = json.loads(read("deploy/compose/targets/relay.json"))
    assert targets["targets"] == [f"chat-relay:{environment(relay)['RELAY_OPS_PORT']}"]
    assert {"type": "bind", "source": str(ROOT / "deploy/compose/targets")}.items() <= next(
        volume for volume in services["prometheus"]["volumes"] if volume["target"] == "/etc/prometheus/targets"
    ).items()


def test_all_mounted_files_exist(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                assert (ROOT / volume["source"]).exists(), name
                assert volume["read_only"], name


def test_every_image_is_a_variable_with_a_pinned_default(services: dict[str, Any]) -> None:
    for line in re.findall(r"^ +image: (.*)$", read(BASE) + read(CLUSTER) + read(PUBLIC), re.MULTILINE):
        found = VARIABLE.fullmatch(line)
        assert found, line
        assert re.fullmatch(r".+:(local|v?\d+\.\d+\.\d+(-alpine)?)", found[2]), line
    assert len({service["image"] for service in services.values()}) == 4


def test_both_images_are_built_on_the_same_base_which_is_a_variable(services: dict[str, Any]) -> None:
    (default,) = set(
        re.findall(r"^ARG PYTHON_IMAGE=(.+)$", read("Dockerfile.server") + read("Dockerfile.client"), re.MULTILINE)
    )
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-trixie", default)
    other = configured(environment={"PYTHON_IMAGE": "other:1"})["services"]
    for name in ("relay", "host"):
        assert services[name]["build"]["args"]["PYTHON_IMAGE"] == default
        assert other[name]["build"]["args"]["PYTHON_IMAGE"] == "other:1"


def test_each_image_is_built_once(services: dict[str, Any]) -> None:
    built = {service["image"]: name for name, service in services.items() if "build" in service}
    assert built == {"chat-relay-server:local": "relay", "chat-client:local": "host"}


def test_the_example_names_exactly_what_can_be_set_with_the_true_defaults() -> None:
    assert examples() == used()


def test_the_relay_is_passed_every_setting_but_the_address_that_is_always_all(tmp_path: Path) -> None:
    settings = {variable(name) for name in Settings.model_fields}
    assert environment(configured(folder=tmp_path)["services"]["relay"]).keys() == settings - {"RELAY_HOST"}


def test_a_setting_reaches_the_relay_and_none_is_forced_on_it(tmp_path: Path) -> None:
    left_alone = environment(configured(folder=tmp_path)["services"]["relay"])
    assert left_alone["RELAY_MESSAGE_RATE"] is None
    changed = environment(configured(environment={"RELAY_MESSAGE_RATE": "7"})["services"]["relay"])
    assert changed["RELAY_MESSAGE_RATE"] == "7"


def test_a_misspelt_setting_in_dotenv_is_refused_by_the_relay(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELAY_MESAGE_RATE=7\nRELAY_MESSAGE_RATE=8\nRELAY_TCP_PORT=19000\n")
    relay = configured(folder=tmp_path)["services"]["relay"]
    expected = {"RELAY_MESAGE_RATE": "7", "RELAY_MESSAGE_RATE": "8", "RELAY_TCP_PORT": "19000"}
    assert environment(relay).items() >= expected.items()


def test_the_bots_know_all_their_settings(services: dict[str, Any]) -> None:
    known = {bot_client.settings.variable(name) for name in bot_client.settings.Settings.model_fields}
    for name in BOTS:
        assert environment(services[name]).keys() <= known, name
