"""What a person chats with."""
