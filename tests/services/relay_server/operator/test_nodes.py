"""The commands about all nodes: who is there, which rooms they have, and who doesn't answer."""

import asyncio
import json

import pytest

from relay_server.operator.cluster import Question, UnansweredError
from relay_server.operator.commands import OperatorError, Row
from relay_server.operator.nodes import NodeAnswers, NodeCommands, read_answer
from relay_server.operator.tables import SHOWN
from services.relay_server.operator.neighbours import Neighbours, known
from services.relay_server.operator.test_commands import Operated


class Asked(Operated):
    """A node with rooms, asked by an operator or by another node."""

    def __init__(self, neighbours: Neighbours | None = None) -> None:
        super().__init__(cluster=neighbours)
        self.answers = NodeAnswers(self.registry, self.operators, lambda: self.now)
        self.nodes = NodeCommands(neighbours, self.answers)

    def inquire(self, word: str) -> list[Row]:
        command = self.nodes.commands[word]

        async def carry_out() -> list[Row]:
            return list(await command.carry_out(command.arguments()))

        return asyncio.run(carry_out())


def beta() -> Asked:
    """Return another node, which has been up for a minute and drains."""
    case = Asked()
    case.create("bob", "お茶", now=10.0)
    case.now = 60.0
    case.ask("drain")
    return case


def asked_about(*others: str) -> Asked:
    """Return a node that knows beta and others; only beta answers."""
    answers = {("beta", question): b"".join(beta().answers.answer(question)) for question in Question}
    case = Asked(Neighbours(*(known(name, 3, 0.25) for name in (*others, "beta")), answers=answers))
    case.create("ann", "tea", now=0.0)
    case.now = 7.0
    return case


def test_nodes_are_listed_this_one_first_and_what_others_answer() -> None:
    case = asked_about("gamma")
    mine, others, silent = case.inquire("nodes")
    assert mine == {
        "node": "alpha", "address": "alpha.example:9000", "rooms": 1, "members": 1, "beat_age_seconds": 0.0,
        "up_seconds": 7.0, "version": "1.2.3", "draining": False, "this": True, "answers": True,
    }  # fmt: skip
    assert others == {
        "node": "beta", "address": "beta.example:9000", "rooms": 3, "members": 1, "beat_age_seconds": 0.25,
        "up_seconds": 60.0, "version": "1.2.3", "draining": True, "this": False, "answers": True,
    }  # fmt: skip
    assert silent == {
        "node": "gamma", "address": "gamma.example:9000", "rooms": 3, "members": None, "beat_age_seconds": 0.25,
        "up_seconds": None, "version": "1.2.3", "draining": False, "this": False, "answers": False,
    }  # fmt: skip


def test_rooms_of_all_nodes_are_listed_and_a_node_that_doesnt_answer_has_a_row_without_a_room() -> None:
    mine, others, silent = asked_about("gamma").inquire("all_rooms")
    assert (mine["node"], mine["room"], mine["age_seconds"]) == ("alpha", "tea", 7.0)
    assert (others["node"], others["room"], others["host"], others["age_seconds"]) == ("beta", "お茶", "bob", 50.0)
    assert silent == {"node": "gamma", "room": None}


def test_a_node_that_is_gone_is_listed_while_the_directory_has_rooms_of_it() -> None:
    neighbours = Neighbours()
    neighbours.missing = {"zeta": 2, "delta": 1}
    case = Asked(neighbours)
    _, delta, zeta = case.inquire("nodes")
    assert (delta["node"], zeta["node"], zeta["rooms"], zeta["answers"]) == ("delta", "zeta", 2, False)
    assert SHOWN["nodes"]([zeta]).endswith("zeta doesn't answer over its link: how many members it has isn't known.\n")
    assert case.inquire("all_rooms") == [{"node": "delta", "room": None}, {"node": "zeta", "room": None}]


def test_a_relay_that_is_alone_has_no_nodes() -> None:
    for word in ("nodes", "all_rooms"):
        with pytest.raises(OperatorError, match=r"^This relay is alone: ") as caught:
            Asked().inquire(word)
        assert caught.value.is_misplaced


@pytest.mark.parametrize(
    "answer", [b"", b"null", b'{"room":', b"\xff\n", b'{"room": "tea"}\n', b"[]\nnull\n", b'"tea"\nnull\n', b"1\n2\n"]
)
def test_an_answer_that_isnt_whole_or_no_answer_counts_as_none(answer: bytes) -> None:
    if answer == b"null":
        assert read_answer(answer) == []
    else:
        with pytest.raises(UnansweredError):
            read_answer(answer)
    case = Asked(Neighbours(known("beta"), answers={("beta", Question.STATE): answer}))
    _, row = case.inquire("nodes")
    assert row["answers"] is False


def test_an_answer_cut_anywhere_isnt_taken_for_a_whole_one() -> None:
    case = Asked()
    case.create("ann", "tea")
    case.create("bob", "お茶")
    whole = b"".join(case.answers.answer(Question.ROOMS))
    assert [row["room"] for row in read_answer(whole)] == ["tea", "お茶"]
    for length in range(len(whole) - len(b"null\n")):
        with pytest.raises(UnansweredError):
            read_answer(whole[:length])


def test_a_newer_nodes_row_may_have_more_than_this_one_knows() -> None:
    row = json.dumps({"members": 5, "colour": "blue"}).encode()
    case = Asked(Neighbours(known("beta"), answers={("beta", Question.STATE): row + b"\nnull\n"}))
    _, found = case.inquire("nodes")
    assert (found["members"], found["up_seconds"], found["answers"]) == (5, None, True)


def test_an_answer_about_many_rooms_comes_in_pieces_and_leaves_out_what_closed_meanwhile() -> None:
    case = Asked()
    hosts = [case.create(f"host {number}", f"room {number}", ip=f"10.1.{number}.1") for number in range(250)]
    pieces = case.answers.answer(Question.ROOMS)
    first = next(pieces)
    case.registry.leave(hosts[249], 1.0)
    rows = read_answer(first + b"".join(pieces))
    assert first.count(b"\n") == 200
    assert [row["room"] for row in rows] == [f"room {number}" for number in range(249)]
