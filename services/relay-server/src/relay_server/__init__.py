"""The chat relay: rooms over TCP, chat over UDP."""

__version__ = "0.1.0"
