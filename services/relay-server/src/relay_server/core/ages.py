"""Times that another process saved, by this one's clock."""

from relay_server.core.state import Clock, Moment


class Ages:
    """Turns ages into monotonic times, counted from when the lines were written that have them."""

    def __init__(self, moment: Moment, *, handed_over: bool) -> None:
        """``moment`` is now. Without ``handed_over`` the relay was away in between."""
        self._moment = moment
        self._handed_over = handed_over
        self.now = moment.now
        """When the lines were written, in monotonic seconds; before any clock it is now."""

    def set_clock(self, clock: Clock) -> None:
        """Take when the next lines were written."""
        elapsed = self._moment.at - clock.at
        # A clock that was set back while the relay was away must not let anything have happened in the future.
        self.now = self._moment.now - (elapsed if self._handed_over else max(0.0, elapsed))

    def when(self, age: float) -> float:
        """Return when something was."""
        return self.now - age

    @property
    def present(self) -> float:
        """When a relay that is restored goes on."""
        return self.now if self._handed_over else self._moment.now

    def since(self, age: float) -> float:
        """Return since when somebody is silent, or awaited: while the relay was away, nobody could be heard."""
        return self.when(age) if self._handed_over else self._moment.now
