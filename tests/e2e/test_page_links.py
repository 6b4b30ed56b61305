"""Links for browsers, from one program to another by a real relay (WEB-05)."""

import os
import re
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from conformance.relays import CommonRelays
from e2e.piped import Chat
from e2e.screen import Terminal

pytestmark = pytest.mark.requirement("WEB-05")


def test_who_is_given_a_link_for_browsers_comes_in_by_chat(
    common_relays: CommonRelays, tmp_path: Path, room: str
) -> None:
    own = common_relays.get(web_port=0, web_url="http://chat.example.org:9080")
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    server = f"127.0.0.1:{own.relay.tcp_port}"
    with ExitStack() as ends:
        ann = Terminal(
            "messenger", "create", room, "--name", "ann", "--server", server, environment=environment, columns=160
        )
        ends.callback(ann.process.close, force=True)
        ann.sees(f"You created {room}")
        ann.types("\x1b[18~")  # F7
        ann.sees("Which invitation", "For browsers")
        ann.types("\x1b[B\r")
        ann.sees("Link for browsers copied: http")
        link = next(found[0] for line in ann.lines if (found := re.search(r"http://\S+", line)))
        assert link.endswith(f"&port={own.relay.tcp_port}")
        here = link.replace("chat.example.org", "127.0.0.1")  # as the DNS would
        bob = ends.enter_context(closing(Chat(here, "--name", "bob")))
        assert bob.is_told("") == f"You are in {room} as bob."  # no key, so no warning
        ann.sees("bob joined")
        ann.enters("here you are")
        bob.hears_at_last("ann: here you are")
