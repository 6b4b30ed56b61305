"""What a person chats with, on a terminal or in a window."""

__version__ = "0.1.0"
