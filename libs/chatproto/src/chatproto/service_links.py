"""Environment variables that a container is given about its neighbours, which are no settings of ours."""

import re
from collections.abc import Mapping
from typing import Final

_NAMES: Final = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?|ENV_\w+)"
)
_PORT: Final = re.compile(r"(?:tcp|udp|sctp)://\S+")


def find_service_links(environ: Mapping[str, str], prefix: str) -> set[str]:
    """Return the names with this prefix that a neighbour gives: a Service of Kubernetes, or a link of Docker.

    A Service called ``relay`` or ``relay-web`` sets ``RELAY_SERVICE_HOST``, ``RELAY_PORT_9001_UDP_ADDR`` or
    ``RELAY_WEB_PORT=tcp://10.0.0.1:80``, a name that may be a setting's: there the value tells.
    """
    return {
        name
        for name, value in environ.items()
        if name.startswith(prefix)
        and (
            _NAMES.fullmatch(name, len(prefix))
            or (name.endswith("PORT") and _PORT.fullmatch(value))
            or (name.endswith("NAME") and value.startswith("/"))
        )
    }
