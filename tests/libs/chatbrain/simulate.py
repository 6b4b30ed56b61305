"""Let clients talk over many bad networks, and with nodes that die: ``python -m libs.chatbrain.simulate 1000``."""

import sys
from collections import Counter
from collections.abc import Callable

from chatbrain.events import DeliveryState
from libs.chatbrain.cluster_world import talk_while_nodes_die
from libs.chatbrain.simulator import talk_over_a_bad_network
from libs.chatbrain.stream_world import talk_over_breaking_connections


def count(talk: Callable[[int], Counter[DeliveryState]], seeds: int) -> str:
    """Return how many messages were taken."""
    fates = sum(map(talk, range(seeds)), Counter[DeliveryState]())
    return f"{fates[DeliveryState.TAKEN]:,}"


if __name__ == "__main__":
    if not sys.argv[1].isdecimal() or not (seeds := int(sys.argv[1])):
        sys.exit(f"make simulate: SEEDS is {sys.argv[1]!r}: use a whole number from 1 up.")
    taken = count(talk_over_a_bad_network, seeds)
    print(f"{seeds:,} seeds: {taken} messages were taken, the others marked, none relayed twice.")
    taken = count(lambda seed: talk_over_breaking_connections(seed)[0], seeds)
    print(f"Over streams that break: {taken} were taken, and each was heard once, in order.")
    taken = count(talk_while_nodes_die, seeds)
    print(f"In a cluster whose nodes die in turn: {taken} were taken, the others marked, and nobody lost a seat.")
