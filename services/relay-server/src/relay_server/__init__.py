"""The chat relay."""
