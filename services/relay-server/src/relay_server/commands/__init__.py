"""The commands of ``relay-server``, a module each."""
