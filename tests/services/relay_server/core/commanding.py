"""How tests give a command in a room."""

from relay_server.core.model import Member
from services.relay_server.core.rooms_case import NOTHING_SAID, Case, Said, home

SERVER = "server: "


def command(case: Case, member: Member, message: str, now: float = 1.0) -> list[Said]:
    """Give a command, which is accepted and relayed to nobody; return what the relay says."""
    accepted = case.registry.counters.accepted
    assert case.say(member, message, now) == NOTHING_SAID
    assert case.registry.counters.accepted == accepted + 1
    case.assert_all_is_counted()
    return case.said()


def answers(case: Case, member: Member, message: str, now: float = 1.0) -> list[str]:
    """Do the same, and return what its giver alone is told."""
    said = command(case, member, message, now)
    return [text.removeprefix(SERVER) for text, targets in said if targets == [home(member)]]
