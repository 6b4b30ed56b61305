"""A client for the chat relay."""
