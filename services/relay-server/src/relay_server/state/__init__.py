"""What outlives the process: rooms and members in a file, from which the next start takes them again."""
