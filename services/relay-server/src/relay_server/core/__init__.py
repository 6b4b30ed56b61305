"""What is true: rooms, members, limits and deadlines, in pure Python. No socket, clock, chance or log."""
