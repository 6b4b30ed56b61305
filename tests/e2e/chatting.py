"""Members who talk while something happens to their relay, and who would not join again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from conformance.people import People
from conformance.relays import Relay
from faults.crowd import Crowd

MEMBERS = 5
RATE = 20.0


@contextmanager
def chatting(relay: Relay) -> Iterator[Crowd]:
    """Have members who talk and would not join again; they must be there at the end."""
    with People(relay) as people:
        members = [people.create(b"tea", b"member 0")]
        members += [people.join(b"tea", b"member %d" % number) for number in range(1, MEMBERS)]
        crowd = Crowd(members)
        say(crowd)
        crowd.check_nothing_lost()
        yield crowd
        assert not [notice for heard in crowd.notices.values() for notice in heard if b"disconnected" in notice]


def say(crowd: Crowd, messages: int = MEMBERS) -> None:
    before = crowd.said
    crowd.talk_until(lambda: crowd.said == before + messages, RATE)


def talk_while(crowd: Crowd, happens: Callable[[], None], seconds: float = 60.0) -> None:
    """Talk before, during and after what is done to the relay in a thread, which may take so long."""
    say(crowd)
    with ThreadPoolExecutor(1) as aside:
        happening = aside.submit(happens)
        crowd.talk_until(happening.done, RATE, seconds)
        happening.result()
    say(crowd)


def check_everybody_hears(crowd: Crowd) -> None:
    """Check that from now on nothing is lost."""
    lost = crowd.count_lost()
    say(crowd)
    assert crowd.count_lost() == lost
