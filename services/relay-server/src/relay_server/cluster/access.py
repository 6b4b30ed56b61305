"""The directory that a relay's settings name."""

from relay_server.cluster.credentials import CredentialsError
from relay_server.cluster.nats import Access, NatsDirectory
from relay_server.cluster_settings import parse_url
from relay_server.settings import Settings, SettingsError


def open_directory(settings: Settings) -> NatsDirectory:
    """Return the directory of a relay that is a node, not yet connected.

    Raises:
        SettingsError: a file that the settings name can't be used.

    """
    url = parse_url(settings.cluster_url)
    access = Access(
        url.servers, tls=url.tls, user=url.user, password=url.password,
        credentials_file=settings.cluster_credentials_file, ca_file=settings.cluster_ca_file,
    )  # fmt: skip
    try:
        return NatsDirectory(access)
    except CredentialsError as error:
        raise SettingsError(str(error)) from None
