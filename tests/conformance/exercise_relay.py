"""A relay that knows the exercise's text and nothing more: the control for the tests of level ``text``.

``python exercise_relay.py TCP_PORT UDP_PORT LOBBY_PORT SILENCE_SECONDS`` serves 127.0.0.1 until it is ended. It has no
defence against wrong input, floods or slow clients: the text asks for none.
"""

import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass, field

HOST = "127.0.0.1"
Address = tuple[str, int]


@dataclass
class Member:
    """Who a token belongs to."""

    ip: str
    address: Address | None = None  # known from the first datagram on
    heard_at: float = field(default_factory=time.monotonic)


@dataclass
class Room:
    """The tokens that a room lets in; the first is its host's."""

    members: dict[bytes, Member] = field(default_factory=dict)
    host: bytes = b""


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


class Rooms:
    """Stage 2: rooms are created and joined over TCP, and chat over UDP."""

    def __init__(self, tcp_port: int, udp_port: int, silence_seconds: float) -> None:
        self.tcp = socket.create_server((HOST, tcp_port))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((HOST, udp_port))
        self.udp.settimeout(silence_seconds / 10)
        self.silence_seconds = silence_seconds
        self.rooms: dict[bytes, Room] = {}

    def serve_tcp(self) -> None:
        while True:
            connection, (ip, _) = self.tcp.accept()
            with connection:
                header = read_exactly(connection, 32)
                name = read_exactly(connection, header[0])
                read_exactly(connection, int.from_bytes(header[3:], "big"))  # the user's name
                self.reply(connection, header[1], name, ip)

    def reply(self, connection: socket.socket, operation: int, name: bytes, ip: str) -> None:
        possible = (name in self.rooms) == (operation == 2)
        self.send_frame(connection, operation, 1, name, b"200" if possible else b"400")
        if not possible:
            return
        token = secrets.token_hex(16).encode()
        room = self.rooms.setdefault(name, Room(host=token))
        room.members[token] = Member(ip)
        self.send_frame(connection, operation, 2, name, token)

    @staticmethod
    def send_frame(connection: socket.socket, operation: int, state: int, name: bytes, payload: bytes) -> None:
        header = bytes([len(name), operation, state]) + len(payload).to_bytes(29, "big")
        connection.sendall(header + name + payload)

    def serve_udp(self) -> None:
        while True:
            try:
                packet, sender = self.udp.recvfrom(4096)
                self.relay(packet, sender)
            except TimeoutError:
                pass
            self.remove_silent()

    def relay(self, packet: bytes, sender: Address) -> None:
        name_end = 2 + packet[0]
        token_end = name_end + packet[1]
        room = self.rooms.get(packet[2:name_end])
        token, message = packet[name_end:token_end], packet[token_end:]
        if room is None or token not in room.members or room.members[token].ip != sender[0]:
            return
        room.members[token].address, room.members[token].heard_at = sender, time.monotonic()
        for other, member in list(room.members.items()):
            if other != token and member.address:
                self.udp.sendto(message, member.address)

    def remove_silent(self) -> None:
        for name, room in list(self.rooms.items()):
            for token, member in list(room.members.items()):
                if time.monotonic() - member.heard_at > self.silence_seconds:
                    self.remove(room, token)
            if room.host not in room.members:
                for token in list(room.members):
                    self.remove(room, token)
                del self.rooms[name]

    def remove(self, room: Room, token: bytes) -> None:
        address = room.members.pop(token).address
        if address:
            self.udp.sendto(b"You are disconnected.", address)


def serve_lobby(port: int, silence_seconds: float) -> None:
    """Stage 1: what one client says is relayed to all that have spoken lately, its sender included."""
    lobby = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    lobby.bind((HOST, port))
    heard_at: dict[Address, float] = {}
    while True:
        packet, sender = lobby.recvfrom(65_535)
        heard_at[sender] = now = time.monotonic()
        heard_at = {client: at for client, at in heard_at.items() if now - at <= silence_seconds}
        for client in heard_at:
            lobby.sendto(packet, client)


def main() -> None:
    tcp_port, udp_port, lobby_port = map(int, sys.argv[1:4])
    silence_seconds = float(sys.argv[4])
    rooms = Rooms(tcp_port, udp_port, silence_seconds)
    for serve in (rooms.serve_tcp, rooms.serve_udp):
        threading.Thread(target=serve, daemon=True).start()
    threading.Thread(target=serve_lobby, args=(lobby_port, silence_seconds), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
