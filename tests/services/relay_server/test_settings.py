"""Every number an operator may change: from where it comes, and what is said when it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from relay_server.core.policy import Policy, TcpLimits
from relay_server.described import describe
from relay_server.settings import PREFIX, SECRETS_DIR, Settings, SettingsError, load_settings, variable
from services.relay_server.core.policies import unlimited

NOWHERE = Path("/nowhere")
KEY = 32 * "k"
PUBLISHED = {
    "RELAY_HOST": "::",
    "RELAY_TCP_PORT": 9000,
    "RELAY_UDP_PORT": 9001,
    "RELAY_LOBBY_PORT": 9002,
    "RELAY_OPS_HOST": "127.0.0.1",
    "RELAY_OPS_PORT": 9100,
    "RELAY_SILENCE_TIMEOUT_SECONDS": 300,
    "RELAY_PENDING_TIMEOUT_SECONDS": 300,
    "RELAY_TRANSACTION_TIMEOUT_SECONDS": 5,
    "RELAY_COMPLETION_PAUSE_SECONDS": 0.05,
    "RELAY_MAX_PAYLOAD_BYTES": 4096,
    "RELAY_MAX_ROOMS": 10_000,
    "RELAY_MAX_MEMBERS": 50_000,
    "RELAY_MAX_MEMBERS_PER_ROOM": 1000,
    "RELAY_MAX_MEMBERS_PER_ADDRESS": 64,
    "RELAY_MAX_ROOMS_PER_ADDRESS": 16,
    "RELAY_MESSAGE_RATE": 20,
    "RELAY_MESSAGE_BURST": 40,
    "RELAY_BYTE_RATE": 65_536,
    "RELAY_JOIN_RATE": 20,
    "RELAY_TLS_CERT_FILE": "",
    "RELAY_TLS_KEY_FILE": "",
    "RELAY_TLS_REQUIRED": False,
    "RELAY_TLS_MIN_VERSION": "1.3",
    "RELAY_WEB_PORT": 9080,
    "RELAY_WEB_TLS": "auto",
    "RELAY_WEB_ORIGINS": "",
    "RELAY_WEB_TRUSTED_PROXIES": "",
    "RELAY_WEB_URL": "",
    "RELAY_LIST_ROOMS": False,
    "RELAY_ATTRIBUTION": "name",
    "RELAY_SANITIZE": True,
    "RELAY_CLUSTER_URL": "",
    "RELAY_CLUSTER_KEY": "",
    "RELAY_LINK_PORT": 9004,
    "RELAY_LOG_LEVEL": "info",
    "RELAY_LOG_FORMAT": "auto",
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str] | None = None, secrets: Path = NOWHERE) -> Settings:
    for name, value in (environ or {}).items():
        monkeypatch.setenv(name, value)
    return load_settings(secrets_dir=secrets)


def complaint(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], secrets: Path = NOWHERE) -> str:
    """Return the one sentence that stops the start."""
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, environ, secrets)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(("name", "default"), PUBLISHED.items())
def test_a_published_setting_has_its_name_and_default(
    monkeypatch: pytest.MonkeyPatch, name: str, default: object
) -> None:
    field = name.removeprefix(PREFIX).lower()
    assert getattr(load(monkeypatch), field) == default
    assert Settings.model_fields[field].description


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"RELAY_TCP_PORT": "7000", "RELAY_SANITIZE": "false", "RELAY_ATTRIBUTION": "none"}
    settings = load(monkeypatch, environ | {"relay_message_rate": "2.5"})
    assert (settings.tcp_port, settings.sanitize, settings.attribution) == (7000, False, "none")
    assert settings.message_rate == 2.5


@pytest.mark.parametrize("name", ["RELAY_TCP_PROT", "relay_tcp_prot", "RELAY_", "RELAY_PASSWORD"])
def test_an_unknown_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert complaint(monkeypatch, {name: "1"}).startswith(f"{name} is not a setting: correct it or remove it")


def test_an_unknown_setting_is_shown_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint(monkeypatch, {"RELAY_A\n\x1bB": "1"}).startswith("RELAY_A⏎\ufffdB is not a setting: ")


def test_other_variables_are_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, {"RELAYED": "1", "MY_RELAY_PORT": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_TCP_PORT", "0"),
        ("RELAY_TCP_PORT", "65536"),
        ("RELAY_TCP_PORT", "http"),
        ("RELAY_TCP_PORT", ""),
        ("RELAY_LOBBY_PORT", "-1"),
        ("RELAY_WEB_PORT", "-1"),
        ("RELAY_WEB_TLS", "on"),
        ("RELAY_WEB_ORIGINS", "chat.example.org"),
        ("RELAY_WEB_ORIGINS", "https://chat.example.org/"),
        ("RELAY_WEB_ORIGINS", "https://chat.example.org,"),
        ("RELAY_WEB_ORIGINS", "*"),
        ("RELAY_WEB_URL", "ws://chat.example.org"),
        ("RELAY_WEB_URL", "chat.example.org:65536"),
        ("RELAY_WEB_URL", "http://[::::]"),
        ("RELAY_WEB_URL", "https://chat.example.org/page"),
        ("RELAY_WEB_URL", "https://ann@chat.example.org/"),
        ("RELAY_WEB_URL", "https://chat.example.org/#room=tea"),
        ("RELAY_WEB_TRUSTED_PROXIES", "proxy"),
        ("RELAY_WEB_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RELAY_WEB_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("RELAY_WEB_TRUSTED_PROXIES", "::/0"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "0"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "nan"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "inf"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "1e9"),
        ("RELAY_COMPLETION_PAUSE_SECONDS", "-0.1"),
        ("RELAY_COMPLETION_PAUSE_SECONDS", "nan"),
        ("RELAY_HOST_GRACE_SECONDS", "nan"),
        ("RELAY_MAX_ROOMS", "-1"),
        ("RELAY_MAX_ROOMS", "1.5"),
        ("RELAY_MAX_PAYLOAD_BYTES", "10"),
        ("RELAY_MESSAGE_RATE", "nan"),
        ("RELAY_MESSAGE_BURST", "0"),
        ("RELAY_SANITIZE", "maybe"),
        ("RELAY_TLS_REQUIRED", "perhaps"),
        ("RELAY_TLS_MIN_VERSION", "1.1"),
        ("RELAY_ATTRIBUTION", "all"),
        ("RELAY_LOG_LEVEL", "loud\nvery loud"),
        ("RELAY_LOG_FORMAT", "xml"),
        ("RELAY_EVENT_LOOP", "trio"),
        ("RELAY_ADMIN_SOCKET", "admin.sock"),
        ("RELAY_ADMIN_SOCKET", " "),
        ("RELAY_ADMIN_SOCKET", "/run/admin.sock\r"),
        ("RELAY_HOST", "0.0.0.0\r"),
        ("RELAY_HOST", " 0.0.0.0"),
        ("RELAY_HOST", "0.0.0.0\t"),
        ("RELAY_HOST", "0.0.0.0 ::1"),
        ("RELAY_HOST", "\ufeff0.0.0.0"),
        ("RELAY_HOST", "0.0.0.0\u200b"),
        ("RELAY_OPS_HOST", "127.0.0.1\r\n"),
        ("RELAY_OPS_HOST", "\x1b[A"),
        ("RELAY_TLS_CERT_FILE", "/etc/relay/cert.pem\r"),
        ("RELAY_TLS_KEY_FILE", "/etc/relay/key.pem\n"),
        ("RELAY_LOG_LEVEL", "info\r"),
    ],
)
def test_a_bad_value_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert complaint(monkeypatch, {name: value}).startswith(f"{name} is {value!r}: ")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("RELAY_TCP_PORT", "1", "65535"),
        ("RELAY_LOBBY_PORT", "0", "65535"),
        ("RELAY_OPS_PORT", "0", "65535"),
        ("RELAY_SILENCE_TIMEOUT_SECONDS", "0.1", "86400"),
        ("RELAY_COMPLETION_PAUSE_SECONDS", "0", "5"),
        ("RELAY_MAX_PAYLOAD_BYTES", "256", "1048576"),
        ("RELAY_MAX_MEMBERS", "0", "10000000"),
        ("RELAY_MESSAGE_RATE", "0", "10000000"),
    ],
)
def test_bounds_are_legal(monkeypatch: pytest.MonkeyPatch, name: str, low: str, high: str) -> None:
    for value in (low, high):
        load(monkeypatch, {name: value})


def test_a_path_may_have_what_a_host_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"RELAY_TLS_CERT_FILE": "/a b/\u200dc", "RELAY_TLS_KEY_FILE": "/a b/d"}
    assert load(monkeypatch, files).tls_cert_file == "/a b/\u200dc"


def test_files_of_secrets_set_them_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "relay_tcp_port").write_text("7000\n")
    (tmp_path / "relay_udp_port").write_text("7001")
    (tmp_path / "another_programs_password").write_text("x")
    settings = load(monkeypatch, {"RELAY_UDP_PORT": "8001"}, tmp_path)
    assert (settings.tcp_port, settings.udp_port) == (7000, 8001)
    assert sources(settings, "RELAY_TCP_PORT", "RELAY_UDP_PORT", "RELAY_LOBBY_PORT") == [
        f"file {SECRETS_DIR}/relay_tcp_port",
        "environment",
        "default",
    ]


def test_a_bad_value_in_a_file_is_named_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "relay_tcp_port").write_text("x")
    assert complaint(monkeypatch, {}, tmp_path).startswith("RELAY_TCP_PORT is 'x': ")


def test_a_file_may_begin_with_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "relay_cluster_key").write_text(KEY, "utf-8-sig")
    assert load(monkeypatch, {}, tmp_path).cluster_key == KEY


def test_a_file_that_isnt_utf_8_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "relay_cluster_key").write_text(KEY, "utf-16")
    sentence = complaint(monkeypatch, {}, tmp_path)
    assert sentence.startswith("The file relay_cluster_key can't be read (no UTF-8): save it as UTF-8 text")


@pytest.mark.parametrize(
    ("environ", "start"),
    [
        ({"RELAY_TLS_CERT_FILE": "a"}, "RELAY_TLS_CERT_FILE needs RELAY_TLS_KEY_FILE: set both"),
        ({"RELAY_TLS_KEY_FILE": "a"}, "RELAY_TLS_KEY_FILE needs RELAY_TLS_CERT_FILE: set both"),
        ({"RELAY_TLS_REQUIRED": "true"}, "RELAY_TLS_REQUIRED needs a certificate"),
    ],
)
def test_half_of_what_tls_takes_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], start: str
) -> None:
    assert complaint(monkeypatch, environ).startswith(start)


@pytest.mark.parametrize(("one", "other"), [("UDP", "LOBBY"), ("TCP", "OPS")])
def test_one_port_for_two_purposes_stops_the_start(monkeypatch: pytest.MonkeyPatch, one: str, other: str) -> None:
    ports = {f"RELAY_{one}_PORT": "9500", f"RELAY_{other}_PORT": "9500"}
    assert complaint(monkeypatch, ports) == f"RELAY_{one}_PORT and RELAY_{other}_PORT are both 9500: choose two ports."


def test_two_addresses_may_have_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {"RELAY_TCP_PORT": "9500", "RELAY_OPS_PORT": "9500", "RELAY_UDP_PORT": "9500"}
    assert load(monkeypatch, ports | {"RELAY_HOST": "192.0.2.1"}).ops_port == 9500


def test_all_of_what_tls_takes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"RELAY_TLS_CERT_FILE": "a", "RELAY_TLS_KEY_FILE": "b"}
    assert load(monkeypatch, files | {"RELAY_TLS_REQUIRED": "true", "RELAY_TLS_MIN_VERSION": "1.2"}).tls_required


def sources(settings: Settings, *names: str) -> list[str]:
    by_name = {described.name: described.source for described in describe(settings)}
    return [by_name[name] for name in names]


def test_every_setting_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {"RELAY_TCP_PORT": "7000", "RELAY_SANITIZE": "0"})
    described = {one.name: one for one in describe(settings)}
    assert set(described) == {variable(name) for name in Settings.model_fields} >= set(PUBLISHED)
    assert all(one.description for one in described.values())
    port, sanitize, pause = (
        described[f"RELAY_{name}"] for name in ("TCP_PORT", "SANITIZE", "COMPLETION_PAUSE_SECONDS")
    )
    assert (port.value, port.default, port.source, port.bounds) == ("7000", "9000", "environment", "1 to 65535")
    assert (sanitize.value, sanitize.default, sanitize.bounds) == ("false", "true", "")
    assert (pause.value, pause.source, pause.bounds) == ("0.05", "default", "0 to 5")
    assert described["RELAY_SILENCE_TIMEOUT_SECONDS"].bounds == "over 0 to 86400"


def test_what_is_described_can_be_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    again = load(monkeypatch, {one.name: one.value for one in describe(settings)})
    assert again == settings


def test_the_core_gets_every_value_that_it_obeys(monkeypatch: pytest.MonkeyPatch) -> None:
    environ: dict[str, Any] = {
        "silence_timeout_seconds": 11.0, "pending_timeout_seconds": 12.0, "host_grace_seconds": 13.0,
        "max_session_seconds": 13.5, "max_rooms": 14,
        "max_members": 15, "max_members_per_room": 16, "max_members_per_address": 17, "max_rooms_per_address": 18,
        "message_rate": 19.0, "message_burst": 20, "byte_rate": 21.0, "join_rate": 22.0, "attribution": False,
        "password_guesses_per_minute": 23.0,
        "sanitize": False, "leave_commands": False, "announce": False, "provisional_address": True,
        "max_streams": 24, "resume_seconds": 25.0, "ring_bytes": 26,
    }  # fmt: skip
    assert set(environ) == set(Policy.__dataclass_fields__)
    spelled = {variable(name): str(value) for name, value in environ.items()} | {"RELAY_ATTRIBUTION": "none"}
    assert load(monkeypatch, spelled).policy() == unlimited(**environ)


def test_attribution_is_by_name_unless_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).policy().attribution


def test_connections_get_every_value_that_they_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    environ: dict[str, Any] = {
        "transaction_timeout_seconds": 1.5, "completion_pause_seconds": 2.5, "max_payload_bytes": 512,
        "max_transactions": 14, "max_transactions_per_address": 15,
    }  # fmt: skip
    assert set(environ) == set(TcpLimits.__dataclass_fields__)
    spelled = {variable(name): str(value) for name, value in environ.items()}
    assert load(monkeypatch, spelled).tcp_limits() == TcpLimits(**environ)


@pytest.mark.requirement("WEB-05")
@pytest.mark.parametrize(
    ("url", "tcp_port", "page"),
    [
        ("", "9010", ""),
        ("https://chat.example.org/", "9000", "https://chat.example.org/"),
        ("https://chat.example.org", "9000", "https://chat.example.org/"),
        ("http://[2001:db8::1]:9080", "9010", "http://[2001:db8::1]:9080/#port=9010"),
        ("https://chat.example.org/#port=30900", "9000", "https://chat.example.org/#port=30900"),
        ("chat.example.org:8080#port=30900", "9010", "http://chat.example.org:8080/#port=30900"),
    ],
)
def test_the_pages_address_has_the_tcp_port_if_that_is_another_one(
    monkeypatch: pytest.MonkeyPatch, url: str, tcp_port: str, page: str
) -> None:
    settings = load(monkeypatch, {"RELAY_WEB_URL": url, "RELAY_TCP_PORT": tcp_port})
    assert settings.page == page
    assert settings.link == page.partition("#")[0]


@pytest.mark.requirement("WEB-05")
@pytest.mark.parametrize(
    ("environ", "scheme"),
    [
        ({}, "http"),
        ({"RELAY_WEB_TRUSTED_PROXIES": "10.0.0.1"}, "https"),
        ({"RELAY_TLS_CERT_FILE": "a", "RELAY_TLS_KEY_FILE": "b"}, "https"),
        ({"RELAY_TLS_CERT_FILE": "a", "RELAY_TLS_KEY_FILE": "b", "RELAY_WEB_TLS": "off"}, "http"),
        ({"RELAY_TLS_CERT_FILE": "a", "RELAY_TLS_KEY_FILE": "b", "RELAY_WEB_URL": "http://chat.example.org"}, "http"),
    ],
)
def test_an_address_without_a_scheme_gets_the_one_that_is_served(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], scheme: str
) -> None:
    settings = load(monkeypatch, {"RELAY_WEB_URL": "chat.example.org"} | environ)
    assert (settings.link, settings.page) == (f"{scheme}://chat.example.org/",) * 2


@pytest.mark.requirement("WEB-05")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_members_arent_told_an_address_that_leads_to_their_own_machine(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    settings = load(monkeypatch, {"RELAY_WEB_URL": f"{host}:9080/#port=30900"})
    assert (settings.link, settings.page) == (f"http://{host}:9080/", "")
