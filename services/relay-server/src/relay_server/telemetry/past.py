"""What a relay has from the processes before it: counts that the system doesn't hand on, and when it all began."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Past:
    """The processes before this one; a relay that wasn't handed over has none."""

    started_at: float = field(default_factory=time.time)
    """When the first one was started, in seconds since 1970."""
    replacements: int = 0
    """How often one took over from another."""
    kernel_drops: int = 0
    """Datagrams that the kernel dropped at sockets that aren't used any more."""
    log_records_dropped: int = 0
