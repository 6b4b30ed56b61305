"""The command ``relay-server doctor``: what of this machine helps or hurts a relay, and what to do about it."""
