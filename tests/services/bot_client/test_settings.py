"""Settings come from one list; what is unknown or bad stops with one sentence."""

import argparse
from pathlib import Path

import pytest
import trustme

from bot_client.settings import Settings, SettingsError, add_flags, flag, settings_table, variable
from chatclient import Tls, Transport


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def flags(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return vars(parser.parse_args(arguments))


def test_flags_win_over_the_environment_and_that_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_MEMBERS", "7")
    monkeypatch.setenv("BOT_RATE", "2.5")
    monkeypatch.setenv("BOT_SEED", "")
    settings = Settings.load(flags("--rate", "5", "--quiet"))
    assert (settings.members, settings.rate, settings.rooms, settings.seed) == (7, 5, 5, None)
    assert settings.quiet


def test_every_setting_has_a_flag_and_its_default() -> None:
    assert flags() == {}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert Settings.load(flags()).model_dump() == defaults
    for name, field in Settings.model_fields.items():
        if name in {"password", "room_key"}:
            continue
        assert name in flags(flag(name), *(() if field.annotation is bool else ("1",)))


@pytest.mark.parametrize("name", ["password", "room_key"])
def test_a_secret_has_no_flag_and_shows_nowhere(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "AAECAwQFBgcICQoLDA0ODw"
    with pytest.raises(SystemExit):
        flags(flag(name), secret)
    capsys.readouterr()
    monkeypatch.setenv(f"BOT_{name.upper()}", secret)
    settings = Settings.load({})
    assert getattr(settings, name).get_secret_value() == secret
    assert secret not in repr(settings) + str(settings.model_dump())


def test_a_bad_room_key_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ROOM_KEY", "secret")
    with pytest.raises(SettingsError, match=r"^BOT_ROOM_KEY can't be used: this is no room's key") as caught:
        Settings.load({})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("password", "problem"), [("secret" * 200, "the password has 1200 bytes: use at most 1024."), ("secret\udcff", "")]
)
def test_a_bad_password_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, password: str, problem: str) -> None:
    monkeypatch.setenv("BOT_PASSWORD", password)
    with pytest.raises(SettingsError) as caught:
        Settings.load({})
    assert str(caught.value).startswith(f"BOT_PASSWORD can't be used: {problem}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "server", "lobby"),
    [
        ("relay", "relay:9000", "relay:9002"),
        ("relay:7000", "relay:7000", "relay:9002"),
        ("::1", "[::1]:9000", "[::1]:9002"),
        ("[::1]:7000", "[::1]:7000", "[::1]:9002"),
    ],
)
def test_the_server_is_a_host_with_or_without_port(given: str, server: str, lobby: str) -> None:
    settings = Settings.load({"server": given})
    assert (settings.server, settings.lobby) == (server, lobby)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--members", "many"), "--members can't be 'many': "),
        (("--members", "0"), "--members can't be '0': "),
        (("--speed", "0"), "--speed can't be '0': "),
        (("--duration-seconds", "-1"), "--duration-seconds can't be '-1': "),
        (("--rate", "nan"), "--rate can't be 'nan': "),
        (("--metrics-port", "65536"), "--metrics-port can't be '65536': "),
        (("--server", "relay\r"), "--server can't be 'relay\\r': remove white space around it and control"),
        (("--scenario", "chatter\r\n"), "--scenario can't be 'chatter\\r\\n': remove white space around it"),
        (("--metrics-host", " ::1"), "--metrics-host can't be ' ::1': remove white space around it"),
        (("--tls-ca-file", "a.pem\t"), "--tls-ca-file can't be 'a.pem\\t': remove white space around it"),
        (("--server", "host:port"), "--server can't be 'host:port': "),
        (("--id", "a:b"), "--id can't be 'a:b': use printable characters, no colon, and no"),
        (("--name-prefix", " a"), "--name-prefix can't be ' a': "),
        (("--tls-fingerprint", "12"), "--tls-fingerprint can't be '12': '12' is no SHA-256 fingerprint"),
        (("--tls-ca-file", "/nowhere"), "--tls-ca-file can't be '/nowhere': the file of authorities /nowhere can't"),
    ],
)
def test_a_bad_flag_is_named(given: tuple[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(flags(*given))
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(".")
    assert ".." not in str(caught.value)


def test_tls_is_by_the_systems_authorities_a_file_of_them_or_a_fingerprint(tmp_path: Path) -> None:
    fingerprint = ":".join(["AB"] * 32)
    authorities = tmp_path / "authorities.pem"
    trustme.CA().cert_pem.write_to_path(authorities)
    assert Settings.load(flags()).proof is None
    assert Settings.load(flags("--tls")).proof == Tls()
    assert Settings.load(flags("--tls-fingerprint", "ab" * 32)).proof == Tls(fingerprint)
    assert Settings.load(flags("--tls-ca-file", str(authorities))).proof == Tls(ca_file=str(authorities))


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ROOMS", "none")
    with pytest.raises(SettingsError, match=r"^BOT_ROOMS can't be 'none': "):
        Settings.load({})


@pytest.mark.parametrize("name", ["BOT_SERVRE", "bot_servre"])
def test_an_unknown_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=f"^{name} is not a setting of bot-client: .*BOT_SERVER"):
        Settings.load({})


def test_what_kubernetes_says_of_a_service_called_bot_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_PORT", "BOT_LOBBY_PORT", "BOT_PORT_9101_TCP"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:9101")
    monkeypatch.setenv("BOT_SERVICE_HOST", "10.0.0.1")
    assert Settings.load({}).lobby_port == 9002


def test_a_transport_is_one_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load({}).transport is Transport.UDP
    monkeypatch.setenv("BOT_TRANSPORT", "stream")
    assert Settings.load({}).transport is Transport.STREAM
    monkeypatch.setenv("BOT_TRANSPORT", "pigeon")
    with pytest.raises(SettingsError, match=r"^BOT_TRANSPORT can't be 'pigeon': .*'auto', 'udp' or 'stream'\.$"):
        Settings.load({})


def test_an_unknown_variable_is_shown_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_A\n\x1bB", "x")
    with pytest.raises(SettingsError, match=r"^BOT_A⏎\ufffdB is not a setting of bot-client: "):
        Settings.load({})


def test_the_document_has_the_table_of_settings() -> None:
    document = (Path(__file__).parents[3] / "docs" / "bots.md").read_text("utf-8")
    assert settings_table() in document, "docs/bots.md differs from the settings: put settings_table() there"


def test_a_path_that_is_no_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TLS_CA_FILE", "ca\udc88.pem")
    with pytest.raises(SettingsError, match=r"^BOT_TLS_CA_FILE isn't UTF-8: "):
        Settings.load({})


def test_all_mistakes_are_named_at_once_and_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SPED", "2")
    monkeypatch.setenv("BOT_ROOMS", "many")
    with pytest.raises(SettingsError) as caught:
        Settings.load({"members": "0"})
    lines = str(caught.value).splitlines()
    assert lines[0] == "BOT_SPED is not a setting of bot-client: did you mean BOT_SPEED?"
    assert [line.split(" ")[0] for line in lines[1:]] == ["BOT_ROOMS", "--members"]
