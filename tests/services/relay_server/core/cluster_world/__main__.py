"""Live through many histories of a cluster: ``python -m services.relay_server.core.cluster_world 10000``."""

import sys
from collections import Counter

from services.relay_server.core.cluster_world.world import live_through


def main(histories: int) -> None:
    """Live through histories, and tell what happened in them; ends with an error if something must not have."""
    happened: Counter[str] = Counter()
    for seed in range(histories):
        world = live_through(seed)
        for node in world.nodes:
            happened.update({name.value: times for name, times in node.counters.adoptions.items()})
            happened.update({name.value: times for name, times in node.counters.moves.items()})
        happened["reclaimed"] += world.reclaimed
    told = ", ".join(f"{times} {name}" for name, times in sorted(happened.items()))
    print(f"{histories} histories of three nodes: nothing is broken. Rooms: {told}.")


if __name__ == "__main__":
    main(int(sys.argv[1]))
