"""Where the nodes of a cluster are, in refusals and completions (CLU-01, CLU-02)."""

import json
from typing import Any

import pytest

from chatproto import (
    ClientTransaction,
    Completion,
    Operation,
    Refusal,
    RefusedError,
    Request,
    ServerTransaction,
    Status,
)
from chatproto.errors import ElsewhereError
from chatproto.payloads import Form, decode_completion, encode_completion, encode_status, told_server
from chatproto.servers import MAX_ADDRESS_CHARACTERS, MAX_SERVERS, Server, read_server, read_servers, server_fields

PRINT = ":".join(["AB"] * 32)
PLAIN, SECURE = Server("b.example:9000"), Server("[2001:db8::1]:9000", PRINT)
FOLLOWER = Request("ann", json_reply=True, plain=False)


@pytest.mark.parametrize("server", [PLAIN, SECURE])
def test_a_node_survives_encoding(server: Server) -> None:
    assert read_server(json.loads(json.dumps(server_fields(server)))) == server


def test_a_node_without_a_certificate_names_none() -> None:
    assert server_fields(PLAIN) == {"server": "b.example:9000"}
    assert server_fields(SECURE) == {"server": "[2001:db8::1]:9000", "fingerprint": PRINT}


def test_a_fingerprint_may_be_written_in_any_usual_form() -> None:
    assert read_server({"server": "b:1", "fingerprint": "ab" * 32}) == Server("b:1", PRINT)


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        "b:1",
        {},
        {"server": 5},
        {"server": ""},
        {"server": "b\n:1"},
        {"server": "é:1"},
        {"server": "b" * (MAX_ADDRESS_CHARACTERS + 1)},
        {"server": "b:1", "fingerprint": 5},
        {"server": "b:1", "fingerprint": "abc"},
    ],
)
def test_what_names_no_node_is_none(fields: Any) -> None:
    assert read_server(fields) is None


def test_the_longest_address_is_read() -> None:
    longest = "b" * MAX_ADDRESS_CHARACTERS
    assert read_server({"server": longest}) == Server(longest)


def test_of_a_list_the_nodes_that_can_be_used_are_read() -> None:
    listed = [server_fields(PLAIN), {"server": 5}, server_fields(SECURE)]
    assert read_servers(listed) == (PLAIN, SECURE)
    assert read_servers([server_fields(PLAIN)] * (MAX_SERVERS + 1)) == (PLAIN,) * MAX_SERVERS
    assert read_servers({"server": "b:1"}) == ()


@pytest.mark.requirement("CLU-01")
@pytest.mark.parametrize("server", [PLAIN, SECURE])
def test_a_refusal_in_json_says_where_the_room_is(server: Server) -> None:
    client, relay = ClientTransaction(Operation.JOIN, "lab", FOLLOWER), ServerTransaction()
    relay.feed(client.request)
    with pytest.raises(RefusedError) as refused:
        client.feed(relay.refuse(ElsewhereError(server)))
    assert (refused.value.status, refused.value.server) == (Status.ELSEWHERE, server)
    assert str(refused.value) == Status.ELSEWHERE.message


@pytest.mark.requirement("CLU-01")
def test_other_refusals_name_no_node_nor_does_a_byte() -> None:
    assert told_server(encode_status(Refusal(Status.BUSY), Form(json=True))) is None
    assert told_server(encode_status(Refusal(Status.ELSEWHERE), Form(), PLAIN)) is None


@pytest.mark.requirement("CLU-02")
def test_a_completion_lists_the_nodes() -> None:
    completion = Completion(b"token", False, 9001, 300.0, 100, servers=(PLAIN, SECURE))
    payload = encode_completion(completion, json_reply=True)
    assert json.loads(payload)["servers"] == [server_fields(PLAIN), server_fields(SECURE)]
    assert decode_completion(payload) == completion


@pytest.mark.requirement("CLU-02", "FEAT-02")
def test_without_nodes_a_completion_is_as_ever() -> None:
    payload = encode_completion(Completion(b"token", False, 9001, 300.0, 100), json_reply=True)
    assert "servers" not in json.loads(payload)
