"""How everything reads to a person, in the language that is chosen; what is returned is harmless to show."""

from messenger.presentation.wording.ends import ending, interruption
from messenger.presentation.wording.events import describe, reconnecting
from messenger.presentation.wording.faults import fault, system_words
from messenger.presentation.wording.flaws import flaw
from messenger.presentation.wording.notices import told
from messenger.presentation.wording.refusals import Words, refusal
from messenger.presentation.wording.sentences import invitation, page_invitation, stranger, word
from messenger.presentation.wording.undelivered import reason, undelivered

__all__ = [
    "Words",
    "describe",
    "ending",
    "fault",
    "flaw",
    "interruption",
    "invitation",
    "page_invitation",
    "reason",
    "reconnecting",
    "refusal",
    "stranger",
    "system_words",
    "told",
    "undelivered",
    "word",
]
