"""The relay's table of look-alikes is the library's; ``make look-alikes`` renews it."""

from relay_server.core.look_alikes import unpack_prototypes
from services.relay_server.core.look_alikes import prototypes


def test_the_table_is_what_the_library_says() -> None:
    assert unpack_prototypes() == prototypes(), "the library's data changed: run `make look-alikes`"
