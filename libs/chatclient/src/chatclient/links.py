"""Links by sockets that an event loop watches, for the front end that lives in it."""

from collections.abc import Callable

from chatbrain import Brain, Driver, Event, Look, RoomQuery, RoomsAnswer, ServerAddress, Tls
from chatclient.looking import Looking
from chatclient.sockets import Loop, SocketToolkit
from chatclient.tls import secure_by


class SocketLinks:
    """Where links come from; to be used in the event loop's thread."""

    def __init__(self, loop: Loop) -> None:
        self._toolkit = SocketToolkit(loop)

    @property
    def now(self) -> float:
        """The brains' time, in monotonic seconds."""
        return self._toolkit.now

    def open(self, brain: Brain, server: ServerAddress, tls: Tls | None, on_event: Callable[[Event], None]) -> Driver:
        """Set a brain going, from the next turn of the event loop on; its events go to ``on_event``.

        ``tls`` is for the TCP connections of a room alone.

        Raises:
            BadAuthoritiesError: its file of authorities can't be used.

        """
        driver = Driver(self._toolkit, brain, server, on_event, secure_by(tls))
        driver.start()
        return driver

    def look_at(self, server: ServerAddress, on_look: Callable[[Look], None]) -> Looking:
        """Look at a relay's certificate without sending anything; tell what it shows, or why there is nothing to see.

        Keep what is returned until then: ``cancel`` ends it early.
        """
        return Looking(self._toolkit, server, on_look)

    def list_rooms(self, server: ServerAddress, tls: Tls | None, on_answer: Callable[[RoomsAnswer], None]) -> RoomQuery:
        """Ask a relay which rooms there are (LIST-01); keep what is returned until then: ``cancel`` ends it early.

        Raises:
            BadAuthoritiesError: the file of authorities can't be used.

        """
        return RoomQuery(self._toolkit, server, on_answer, secure_by(tls))
