"""How everything reads to a person, in the language that is chosen; what is returned is harmless to show."""

from messenger.wording.ends import ending
from messenger.wording.events import describe, reconnecting
from messenger.wording.faults import fault, system_words
from messenger.wording.flaws import flaw
from messenger.wording.notices import told
from messenger.wording.refusals import refusal
from messenger.wording.words import Words

__all__ = ["Words", "describe", "ending", "fault", "flaw", "reconnecting", "refusal", "system_words", "told"]
