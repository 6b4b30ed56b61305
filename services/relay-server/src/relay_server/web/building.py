"""Makes the web port of a relay from its settings and its TCP port, whose requests and chats it shares."""

from collections.abc import Callable

from relay_server.core.room_list import RoomList
from relay_server.net.descriptors import for_clients, pages_among
from relay_server.net.hosts import OwnNames
from relay_server.net.tcp import TcpPort
from relay_server.settings import Settings
from relay_server.web.callers import Callers
from relay_server.web.port import WebPort
from relay_server.web.site import Site
from relay_server.web_settings import WebTls, host_of_link, parse_networks, parse_origins
from web_client import page_files


def build_web(
    settings: Settings, tcp: TcpPort, room_list: RoomList | None, on_error: Callable[[Exception], None]
) -> WebPort:
    """Make the port; ``on_error`` hears of an answer that fails."""
    allowed = for_clients(settings.cluster_url)

    def list_rooms() -> bytes | None:
        return room_list.read(tcp.clock()) if room_list is not None else None

    names = OwnNames(settings.host, host_of_link(settings.link))
    names.learn_full_name()
    trusted, origins = parse_networks(settings.web_trusted_proxies), parse_origins(settings.web_origins)
    return WebPort(
        tcp,
        site=Site(page_files(), list_rooms),
        callers=Callers(trusted, origins, names),
        public_link=settings.link,
        on_error=on_error,
        max_connections=settings.open_pages if allowed is None else pages_among(allowed, settings.open_pages),
        join_rate=settings.join_rate,
        tls=tcp.tls if settings.web_tls is WebTls.AUTO else None,
    )
