"""The window: all that knows of Qt."""
