"""Sizes of the protocol, each with its reason."""

from typing import Final

HEADER_BYTES: Final = 32
"""RoomNameSize (1), Operation (1), State (1), OperationPayloadSize (29). TCP-01."""

PAYLOAD_SIZE_BYTES: Final = 29
"""Width of OperationPayloadSize. TCP-01."""

MAX_NAME_BYTES: Final = 255
"""A room or user name's size is written in one byte. TCP-02, LOB-01."""

MAX_PASSWORD_BYTES: Final = 1024
"""Longer than anybody types; what is longer would only cost the relay work. PWD-01."""

MAX_TOPIC_BYTES: Final = 512
"""A line that fits above a chat. MOD-07."""

MAX_LISTED_ROOMS: Final = 200
"""More than anybody looks through. LIST-01."""

MAX_LIST_BYTES: Final = 262_144
"""A list of so many rooms with names and topics of usual length has a tenth of it. LIST-01."""

MAX_TOKEN_BYTES: Final = 255
"""A token's size is written in one byte. ROOM-02."""

MAX_PAYLOAD_BYTES: Final = 2**29
"""The largest OperationPayloadSize the text allows. TCP-02."""

DEFAULT_PAYLOAD_LIMIT_BYTES: Final = 4096
"""What a relay takes in a request, and a client in a reply: names and JSON are far smaller. TCP-02."""

MAX_DATAGRAM_BYTES: Final = 4096
"""A datagram from client to relay, headers included. UDP-01, LOB-01."""

MAX_DELIVERY_BYTES: Final = 4094
"""A datagram from relay to client: 4096 less the two size bytes it no longer carries. UDP-05."""

ATTEMPT_BYTES: Final = range(16, 65)
"""How many bytes the name of an attempt may have: as many as nobody guesses, and not more than that takes. RES-02."""

NONCE_BYTES: Final = 16
"""Random bytes of the name that our clients give an attempt, in hexadecimal digits. RES-02."""

SEALED_PREFIX: Final = b"e2e1."
"""What a sealed text begins with; the relay looks at no more of it. SEAL-02, SEAL-03."""

PORT_BYTES: Final = 2
"""A client may name its UDP port after the completion in a big-endian integer. TCP-09."""

KEEP_ALIVE_SECONDS: Final = 20.0
"""How often the reference client speaks: home routers forget an idle UDP mapping after 30 s. UDP-07."""

DEFAULT_TCP_PORT: Final = 9000
DEFAULT_UDP_PORT: Final = 9001
DEFAULT_LOBBY_PORT: Final = 9002
