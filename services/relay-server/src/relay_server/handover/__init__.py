"""A relay gives its rooms and sockets to a new process, and nobody notices (`relay-server admin replace`)."""
