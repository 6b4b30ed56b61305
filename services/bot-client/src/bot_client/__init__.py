"""Scripted bots for the chat relay."""

__version__ = "0.1.0"
