"""The chat relay: joining over TCP, chat over UDP or the TCP connection."""

__version__ = "0.1.0"
