"""The address of a relay's page, as completions tell it for invitations (WEB-05)."""

import re
from typing import Any, Final

MAX_PAGE_CHARACTERS: Final = 300
"""A host name of DNS, and two ports."""
_PAGE: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?/(?:#port=[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)


def read_page(address: Any) -> str:
    """Return the address of a page as it is, which is harmless to show; empty if it is none."""
    is_page = isinstance(address, str) and len(address) <= MAX_PAGE_CHARACTERS and _PAGE.fullmatch(address)
    return address if is_page else ""
