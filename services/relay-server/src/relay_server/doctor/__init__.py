"""The command ``relay-server doctor``: problems of this machine for a relay, and how to fix them."""
