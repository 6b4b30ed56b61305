"""What operators ask of a running relay, over a Unix socket: the commands, their server and its client."""
