"""The command ``relay-server admin``: it asks a relay that runs on this machine."""
