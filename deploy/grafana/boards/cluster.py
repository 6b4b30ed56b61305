"""The dashboard "Cluster": what its nodes know of each other, and what they do for each other."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.board import Panel, Section, board
from boards.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW, figure, heat, lines, stack
from boards.promql import last_minute, rate, relay, total

UID: Final = "chat-cluster"

_OF_WAYS: Final = {"follow": GREEN, "edge": ORANGE}
_OF_ADOPTIONS: Final = {"adopted": GREEN, "lost": GREY, "alive": BLUE, "late": ORANGE, "away": RED}
_OF_MOVES: Final = {"yielded": ORANGE, "drained": BLUE}
_OF_DIRECTIONS: Final = {"in": BLUE, "out": GREEN, "failed": RED}
_OF_ERRORS: Final = {"away": RED, "stale": YELLOW, "taken": BLUE}
_OF_IGNORED: Final = {"seal": RED, "format": YELLOW, "malformed": PURPLE}


def build() -> Dashboard:
    """Build it."""
    return board(
        UID,
        "Cluster",
        "Many relays as one service: the nodes and the directory, and rooms and members on other nodes.",
        [("", [*_nodes_now(), *_rooms_now()]), _nodes(), _rooms(), _edge(), _directory()],
        choose_instance=True,
    )


def _nodes_now() -> list[Panel]:
    return [
        figure(
            "Nodes",
            "The number of nodes that are alive, as the node knows it that sees the most. 0: the relay is alone.",
            "short",
            f"max({relay('relay_cluster_nodes')})",
            alert="NodeLost",
        ),
        figure(
            "Nodes unseen",
            "How many nodes fewer the node sees that sees the fewest.",
            "short",
            "max(cluster:nodes_unseen:count)",
            steps=((None, GREEN), (1, RED)),
            alert="NodesDisagree",
        ),
        figure(
            "Directory",
            "Whether all nodes reach NATS. A relay that is alone has no directory.",
            "none",
            f"min({relay('relay_cluster_connected')} + 2 * ({relay('relay_cluster_nodes')} == bool 0))",
            steps=((None, RED), (1, GREEN), (2, BLUE)),
            names={"0": "Away", "1": "Connected", "2": "None"},
            alert="DirectoryAway",
        ),
    ]


def _rooms_now() -> list[Panel]:
    return [
        figure(
            "Rooms known",
            "Rooms of all nodes in the directory, as the node knows it that knows the most.",
            "short",
            f"max({relay('relay_cluster_rooms')})",
        ),
        figure(
            "Carried members",
            "Members that one node carries to their rooms on another one.",
            "short",
            total(relay("relay_cluster_edge_members")),
        ),
        figure(
            "Carried share",
            "The share of all members that another node carries to their rooms, which takes twice the work.",
            "percentunit",
            "max(cluster:edge:ratio)",
            steps=((None, GREEN), (0.5, YELLOW)),
            alert="EdgeShareHigh",
        ),
        figure(
            "Rooms adopted (5 min)",
            "Rooms that nodes took over in the last five minutes from a node that was gone.",
            "short",
            total(relay("relay:rooms_adopted:increase5m")),
            alert="RoomsAdopted",
        ),
        figure(
            "Records ignored (5 min)",
            "Records of the directory that nodes ignored in the last five minutes. It should be 0.",
            "short",
            total(relay("relay:records_ignored:increase5m")),
            steps=((None, GREEN), (1, RED)),
            alert="RecordsIgnored",
        ),
    ]


def _nodes() -> Section:
    return "Nodes", [
        lines(
            "Nodes that each node sees",
            "The lines should lie on each other. Where one is lower, that node is cut off or has other settings.",
            "short",
            {"{{instance}}": relay("relay_cluster_nodes")},
            alert="NodesDisagree",
        ),
        lines(
            "Rooms of each node",
            "Rooms whose home each node is. New rooms are made where their hosts arrive.",
            "short",
            {"{{instance}}": relay("relay_cluster_homes")},
        ),
        lines(
            "Members of each node",
            "Members of each node's rooms, whichever node they reach it by.",
            "short",
            {"{{instance}}": relay("relay_members")},
        ),
    ]


def _rooms() -> Section:
    return "Rooms on other nodes", [
        stack(
            "Joins elsewhere by way",
            "Joins in the last minute of rooms that another node holds. 'follow': the client was told where and joined "
            "there. 'edge': the node carries it.",
            "short",
            {"{{way}}": total(last_minute(relay("relay_cluster_joins_elsewhere_total")), "way")},
            colors=_OF_WAYS,
        ),
        stack(
            "Adoptions by outcome",
            "Attempts in the last minute to take over a room whose home seemed gone. 'adopted': taken over. 'lost': "
            "another node was faster. 'alive': the home answered. 'late': this node's own loop was late. 'away': the "
            "directory was.",
            "short",
            {"{{outcome}}": total(last_minute(relay("relay_cluster_adoptions_total")), "outcome")},
            colors=_OF_ADOPTIONS,
            bars=True,
            alert="RoomsAdopted",
        ),
        stack(
            "Moves by reason",
            "Rooms that left a node in the last minute. 'drained': an operator moved them. 'yielded': another node had "
            "taken them over meanwhile.",
            "short",
            {"{{reason}}": total(last_minute(relay("relay_cluster_moves_total")), "reason")},
            colors=_OF_MOVES,
            bars=True,
        ),
    ]


def _edge() -> Section:
    return "Carried members", [
        lines(
            "Members that each node carries",
            "Members that reach their room by this node although another one holds it.",
            "short",
            {"{{instance}}": relay("relay_cluster_edge_members")},
            width=12,
            alert="EdgeShareHigh",
        ),
        stack(
            "Carried datagrams by direction",
            "'in': to the rooms' homes. 'out': from there to the members. 'failed': the kernel refused to send them.",
            "pps",
            {"{{direction}}": total(rate(relay("relay_cluster_edge_datagrams_total")), "direction")},
            colors=_OF_DIRECTIONS,
            width=12,
        ),
    ]


def _directory() -> Section:
    return "Directory and links", [
        heat(
            "Latency of the directory",
            "How long NATS took to answer. Only creates, adoptions and changes of rooms ask it, never a message.",
            "s",
            total(rate(relay("relay_cluster_directory_seconds_bucket")), "le"),
            width=6,
        ),
        stack(
            "Directory errors by reason",
            "Requests in the last minute that NATS didn't carry out. 'away': no answer. 'stale': another node had "
            "changed the record. 'taken': the room's name was taken.",
            "short",
            {"{{reason}}": total(last_minute(relay("relay_cluster_directory_errors_total")), "reason")},
            colors=_OF_ERRORS,
            width=6,
            alert="DirectoryAway",
        ),
        stack(
            "Records ignored by reason",
            "Records that came in the last minute and can't be used. 'seal': written without the cluster's key. "
            "'format': by another version. 'malformed': a bug.",
            "short",
            {"{{reason}}": total(last_minute(relay("relay_cluster_records_ignored_total")), "reason")},
            colors=_OF_IGNORED,
            width=6,
            alert="RecordsIgnored",
        ),
        lines(
            "Links refused",
            "Links in the last minute from others than nodes, or from nodes with another key.",
            "short",
            {"{{instance}}": last_minute(relay("relay_cluster_links_refused_total"))},
            width=6,
            top=1,
            alert="LinksRefused",
        ),
    ]
