"""What a person chats with, in a terminal."""

__version__ = "0.1.0"
