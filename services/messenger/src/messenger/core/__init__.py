"""What a person's chats are, without a toolkit, a socket or a clock: the front ends only show it."""
