"""How bytes move. No rules of the chat are here."""
