"""Scripted bots for the chat relay."""
