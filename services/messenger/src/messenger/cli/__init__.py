"""What `chat` is on a command line: arguments, passwords, trust, and a filter between pipes."""
