"""The files for a server: what systemd, nft and cloud-init think of them, and that they agree with the relay."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from docs.markdown import ROOT
from relay_server.doctor.resources import NEIGHBOUR_WAIT_BYTES
from relay_server.net.descriptors import OWN_FILES
from relay_server.net.supervisor import NAMES
from relay_server.operator.location import SERVICE_DIRECTORY
from relay_server.settings import Settings
from relay_server.web_settings import WEB_CONNECTIONS

VPS: Final = ROOT / "deploy" / "vps"
SHIPPED: Final = ROOT / "deploy" / "nats"
UNIT: Final = VPS / "chat-relay.service"
FIREWALL: Final = VPS / "chat-relay.nft"
DEADLINE_SECONDS: Final = 60.0
EXPOSURE: Final = 13
"""Tenths; systemd's own scale ends at 10, and 2 is what it calls OK."""

FIELDS = Settings.model_fields
TCP, UDP, LOBBY, WEB = (FIELDS[f"{name}_port"].default for name in ("tcp", "udp", "lobby", "web"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Copy the unit, with the relay where this test has one."""
    program = Path(sys.executable).parent / "relay-server"
    text = UNIT.read_text().replace("/opt/chat-relay/current/bin/relay-server", str(program))
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


@pytest.mark.needs("systemd")
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, [line for line in done.stderr.splitlines() if UNIT.name in line]) == (0, [])


@pytest.mark.needs("systemd")
def test_systemd_notices_a_word_that_it_does_not_know(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("NoNewPrivileges", "NoNewPriviledges"))
    assert "NoNewPriviledges" in run("systemd-analyze", "verify", "--man=no", unit).stderr


@pytest.mark.needs("systemd")
def test_the_services_exposure_is_the_documented_one(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout
    assert f"exposure of {EXPOSURE / 10}" in (ROOT / "docs" / "operations.md").read_text()


def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


def test_wrong_settings_are_not_tried_again() -> None:
    assert service()["RestartPreventExitStatus"] == "2"
    assert service()["Restart"] == "on-failure"
    # A failing check before the start would be tried again, whatever its exit code.
    assert "ExecStartPre" not in service()


def test_a_service_that_hangs_is_noticed_and_says_where() -> None:
    assert 5 <= int(service()["WatchdogSec"]) <= 60
    assert service()["Type"] == "notify"
    assert "Environment=PYTHONFAULTHANDLER=1\n" in UNIT.read_text()


def test_operators_reach_the_service_where_their_command_looks() -> None:
    assert f"/run/{service()['RuntimeDirectory'].split()[0]}" == str(SERVICE_DIRECTORY)
    assert service()["RuntimeDirectoryMode"] == "0700"
    assert "AF_UNIX" in service()["RestrictAddressFamilies"]


def test_the_service_may_ask_for_the_kernels_neighbours() -> None:
    assert "AF_NETLINK" in service()["RestrictAddressFamilies"].split()


def test_the_state_is_where_nobody_else_looks_and_outlives_a_restart_alone() -> None:
    assert f"Environment=RELAY_STATE_DIRECTORY={SERVICE_DIRECTORY}/state\n" in UNIT.read_text()
    assert service()["RuntimeDirectory"].split()[1] == f"{SERVICE_DIRECTORY.name}/state"
    assert service()["RuntimeDirectoryPreserve"] == "restart"


def test_systemd_keeps_as_many_sockets_as_a_relay_has() -> None:
    assert int(service()["FileDescriptorStoreMax"]) >= len(NAMES)
    assert "FileDescriptorStorePreserve" not in service()  # a stop is one


@pytest.mark.needs("systemd")
@pytest.mark.parametrize("name", ["tls", "web"])
def test_systemd_understands_the_parts_for_a_certificate_and_for_the_page(unit: Path, name: str) -> None:
    part = unit.parent / f"{unit.name}.d" / f"{name}.conf"
    part.parent.mkdir()
    part.write_text((VPS / f"chat-relay-{name}.conf").read_text())
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, [line for line in done.stderr.splitlines() if part.name in line]) == (0, [])


@pytest.mark.needs("systemd")
def test_systemd_understands_the_part_for_nats(tmp_path: Path) -> None:
    unit = tmp_path / "nats-server.service"
    unit.write_text("[Service]\nUser=daemon\nExecStart=/usr/sbin/nats-server -c /etc/nats-server.conf\n")
    part = tmp_path / "nats-server.service.d" / "chat-relay.conf"
    part.parent.mkdir()
    program = Path(sys.executable).with_name("nats-server")
    part.write_text((VPS / "nats-chat-relay.conf").read_text().replace("/usr/sbin/nats-server", str(program)))
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, [line for line in done.stderr.splitlines() if tmp_path.name in line]) == (0, [])


def test_the_guide_to_three_machines_names_what_the_files_do() -> None:
    guide = (ROOT / "docs" / "cluster.md").read_text()
    nats = (VPS / "nats-chat-relay.conf").read_text()
    assert "EnvironmentFile=/etc/chat-relay/nats.env\n" in nats
    assert "--config /etc/chat-relay/three.conf\n" in nats
    asked = {name for text in (SHIPPED / "nats.conf", SHIPPED / "three.conf") for name in variables(text.read_text())}
    given = set(re.findall(r"^(NATS_\w+)=", guide, re.MULTILINE)) | set(
        re.findall(r"^Environment=(\w+)=", nats, re.MULTILINE)
    )
    assert given == asked
    assert f"port {FIELDS['link_port'].default} proto tcp" in guide
    for name in ("EnvironmentFile=-/etc/chat-relay/cluster.env\n", "EnvironmentFile=-/etc/chat-relay/relay.env\n"):
        assert name in UNIT.read_text()


def variables(config: str) -> set[str]:
    """Return the variables that a configuration of NATS takes from its environment."""
    lines = [line for line in config.splitlines() if not line.lstrip().startswith("#")]
    return set(re.findall(r"\$(NATS_\w+)", "\n".join(lines)))


def test_the_hook_puts_a_certificate_where_the_document_says_and_the_service_may_read_it() -> None:
    hook = (VPS / "certbot-hook.sh").read_text()
    folder, group = (re.findall(rf"^{name}=(.+)$", hook, re.MULTILINE)[0] for name in ("FOLDER", "GROUP"))
    document = (ROOT / "docs" / "operations.md").read_text()
    for line in (f"RELAY_TLS_CERT_FILE={folder}/fullchain.pem", f"RELAY_TLS_KEY_FILE={folder}/privkey.pem"):
        assert line in document
    assert f"groupadd --system {group}\n" in document
    assert f"SupplementaryGroups={group}\n" in (VPS / "chat-relay-tls.conf").read_text()


def test_the_guide_to_the_web_names_files_and_ports_that_are_there() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    assert "install -D -m 644 deploy/vps/chat-relay-web.conf /etc/systemd/system/chat-relay.service.d/web.conf" in guide
    assert "ip_unprivileged_port_start=80 " in guide  # Caddy needs 80 and 443
    for name in re.findall(r"deploy/compose/[\w-]+\.yaml", guide):
        assert (ROOT / name).is_file(), name
    assert f"deny {WEB}/tcp" in guide
    assert f"reverse_proxy 127.0.0.1:{WEB}\\n" in guide


def test_the_service_may_open_what_the_relay_needs() -> None:
    wanted = FIELDS["max_transactions"].default + FIELDS["max_streams"].default + WEB_CONNECTIONS + OWN_FILES
    assert int(service()["LimitNOFILE"]) >= wanted


def test_the_kernel_grants_the_buffers_that_the_relay_asks_for() -> None:
    text = (VPS / "60-chat-relay.conf").read_text()
    settings = dict(re.findall(r"^([\w.]+) = (\d+)$", text, re.MULTILINE))
    wanted = str(FIELDS["receive_buffer_bytes"].default)
    neighbours = {
        f"net.{family}.neigh.default.unres_qlen_bytes": str(NEIGHBOUR_WAIT_BYTES) for family in ("ipv4", "ipv6")
    }
    assert settings == {"net.core.rmem_max": wanted, "net.core.wmem_max": wanted} | neighbours


def test_the_firewalls_let_the_relays_ports_through() -> None:
    defined = dict(re.findall(r"^define (\w+) = (.+)$", FIREWALL.read_text(), re.MULTILINE))
    assert defined["relay_tcp_ports"] == f"{{ {TCP}, {WEB} }}"
    assert defined["relay_udp_ports"] == f"{{ {UDP}, {LOBBY} }}"
    profile = configparser.ConfigParser()
    profile.read(VPS / "ufw-chat-relay")
    assert profile["chat-relay"]["ports"] == f"{TCP}/tcp|{UDP}:{LOBBY}/udp|{WEB}/tcp"


@pytest.mark.needs("cloud-init")
def test_cloud_init_understands_the_user_data() -> None:
    done = run("cloud-init", "schema", "--config-file", VPS / "cloud-init.yaml")
    assert done.returncode == 0, done.stderr


def test_the_user_data_names_files_that_are_there() -> None:
    named = re.findall(r"/usr/local/src/chat-relay/(\S+)", (VPS / "cloud-init.yaml").read_text())
    assert named
    assert all(os.access(ROOT / name, os.X_OK) for name in named)
