"""Many relays as one service: the directory of their rooms, and what a node does by it."""
