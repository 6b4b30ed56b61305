"""What a relay has besides if it is one of many nodes, put together as it is run."""

import asyncio
from itertools import count

from chatproto import Server
from relay_server.core.limits import Halted
from relay_server.core.places import Node
from relay_server.node_parts import build_node
from relay_server.settings import load_settings
from services.relay_server.core.rooms_case import Case

OTHER = Node("other", Server("other.example:9000"), "other.example", 9001, 9004, "ab" * 32, started_at=1.0)


def test_nobody_is_kept_from_speaking_while_no_room_can_move() -> None:
    async def scenario() -> None:
        case, numbers = Case(), count()
        address = {"cluster_url": "nats://127.0.0.1:1", "cluster_key": "k" * 32, "node_address": "127.0.0.1"}
        settings = load_settings({}).model_copy(update=address)
        node = build_node(settings, case.registry, None, lambda: 0.0, lambda: None, lambda: str(next(numbers)))
        ann = case.create("ann")
        node.for_operators(case.registry).hand_over(ann.room, OTHER)
        assert not isinstance(ann.limit, Halted)

    asyncio.run(scenario())
