"""What documents refer to is there: files, sections, rules, make targets, commands, settings, metrics, modules."""

import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import pytest

import bot_client.__main__
import bot_client.settings
import messenger.cli.arguments
import relay_server.__main__
from docs.generated import sample_name
from docs.markdown import NAMES, ROOT, anchors, code, code_blocks, links, prose, read
from relay_server.core.counters import Counters, DropReason, SendFailure, StreamCut, StreamFailure
from relay_server.settings import Settings, variable
from relay_server.telemetry.metrics import RelayCollector, Tally

MAKEFILE = read("Makefile")
PROGRAMS: dict[str, Callable[[list[str]], Any]] = {
    "chat": messenger.cli.arguments.parse,
    "bot-client": bot_client.__main__._parser().parse_args,
    "relay-server": relay_server.__main__._parser().parse_args,
}
OTHERS = {
    *(
        "apt-get",
        "cd",
        "certbot",
        "chgrp",
        "chmod",
        "curl",
        "docker",
        "echo",
        "export",
        "git",
        "groupadd",
        "install",
        "iptables",
        "journalctl",
        "nano",
        "nft",
        "openssl",
        "printf",
    ),
    *("python", "ssh", "sysctl", "systemctl", "tee", "ufw"),
}
every_document = pytest.mark.parametrize("name", NAMES)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in a document, the settings before it included."""
    for language, block in code_blocks(text):
        if language == "sh":
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                for is_joint, command in groupby(words, {"|", "&&"}.__contains__):
                    if not is_joint:
                        yield list(command)
    for span in re.findall(r"`((?:\.venv/bin/|chat |bot-client |relay-server )[^`\n]+)`", prose(text)):
        yield shlex.split(span)


def check_command(words: list[str]) -> None:
    while words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    for path in (word for word in words if word.startswith("deploy/")):
        assert (ROOT / path).exists(), f"{path} is no file of ours"
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= make_targets()
    elif program in PROGRAMS:
        PROGRAMS[program](arguments)
    elif program.startswith("deploy/"):
        assert os.access(ROOT / program, os.X_OK), f"{program} can't be run"
    else:
        assert program in OTHERS, f"{program} is no command of ours"


@every_document
def test_links_lead_somewhere(name: str) -> None:
    for link in links(read(name)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@every_document
def test_rules_are_rules_of_the_protocol(name: str) -> None:
    rules = re.findall(r"^- \*\*([A-Z]+-\d\d)\*\*", read("docs/protocol.md"), re.MULTILINE)
    families = "|".join({rule.partition("-")[0] for rule in rules})
    assert set(re.findall(rf"\b(?:{families})-\d+\b", read(name))) <= set(rules)


@every_document
def test_make_knows_its_targets(name: str) -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)", code(read(name)))) <= make_targets()


@every_document
def test_commands_can_be_given(name: str) -> None:
    for words in commands(read(name)):
        try:
            check_command(words)
        except SystemExit:
            pytest.fail(f"{shlex.join(words)} is no legal command line.")


@every_document
def test_settings_are_settings(name: str) -> None:
    known = {variable(field) for field in Settings.model_fields}
    known |= {bot_client.settings.variable(field) for field in bot_client.settings.Settings.model_fields}
    assert set(re.findall(r"\b(?:RELAY|BOT)(?:_[A-Z]+)+", read(name))) <= known


@every_document
def test_metrics_are_metrics(name: str) -> None:
    families = list(RelayCollector(Counters(), Counters(), Tally(), "uvloop").collect())
    known = {sample_name(family) for family in families} | {
        f"{family.name}_{end}"
        for family in families
        if family.type == "histogram"
        for end in ("bucket", "sum", "count")
    }
    others = {"relay_server", *(variable(field).lower() for field in Settings.model_fields)}
    assert set(re.findall(r"\brelay_[a-z_]*[a-z]", code(read(name)))) <= known | others


@every_document
def test_modules_are_there(name: str) -> None:
    modules = [path.as_posix() for folder in ("libs", "services", "tests") for path in (ROOT / folder).rglob("*.py")]
    for module in re.findall(r"`([\w/-]+/\w+\.py)`", prose(read(name))):
        assert any(path.endswith(f"/{module}") for path in modules), module


@pytest.mark.parametrize(
    ("section", "reasons"),
    [
        ("Why a datagram was dropped", DropReason),
        ("Why a copy wasn't sent", SendFailure),
        ("Why a stream wasn't handed a copy", StreamFailure),
        ("Why a stream was cut", StreamCut),
    ],
)
def test_every_reason_is_explained(section: str, reasons: Iterable[str]) -> None:
    text = read("docs/metrics.md").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", text, re.MULTILINE) == [str(reason) for reason in reasons]


def test_every_decision_is_listed() -> None:
    files = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    listed = re.findall(r"^\| \[\d{4}\]\((.+)\) \| (.+) \|$", read("docs/adr/README.md"), re.MULTILINE)
    assert [name for name, _ in listed] == files
    for name, title in listed:
        assert read(f"docs/adr/{name}").startswith(f"# {int(name[:4])}. {title}\n")


def test_the_relays_layers_are_those_of_the_contract() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["relay_server"])
    _, _, below = read("docs/architecture.md").partition("inside relay_server")
    drawn, _, _ = below.partition("inside chatbrain")
    assert re.findall(r"^ {1,29}(\w+(?: \| \w+)*)(?: {2}|\n)", drawn, re.MULTILINE) == layers
