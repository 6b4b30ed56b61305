"""Chats in browsers: the page, and WebSockets that carry streams (WEB-01). Loaded only if its port is on."""
