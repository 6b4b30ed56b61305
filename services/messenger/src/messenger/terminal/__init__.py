"""``chat`` on a terminal: rooms, messages and members on a screen, by Textual."""
