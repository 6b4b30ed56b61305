"""Which certificate each relay showed when it was trusted: a file of one line for each relay."""

from pathlib import Path
from typing import Final

from platformdirs import user_state_path

from chatproto import sanitize
from chatproto.fingerprint import parse_fingerprint
from messenger.core.trusting import KnownServersError
from messenger.presentation.i18n import _
from messenger.presentation.wording import system_words
from messenger.store.files import write_private

_HEADER: Final = "# Relays that chat trusts by their certificate (SHA-256). Take a line out to be asked again.\n"


def default_path() -> Path:
    """Return where the file is: with what the user's programs remember.

    Raises:
        KnownServersError: the user has no home.

    """
    directory = user_state_path("chat", appauthor=False)
    if not directory.is_absolute():
        raise KnownServersError(_("Your home directory is unknown: set XDG_STATE_HOME."))
    return directory / "known_servers"


class KnownServers:
    """The file; it is read anew each time, for other chats write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, server: str) -> str | None:
        """Return the fingerprint that a relay (``HOST:PORT``) is trusted by; None if it isn't known.

        Raises:
            KnownServersError: the file can't be read, or the relay's line is none.

        """
        for line in self._read().splitlines():
            name, _space, fingerprint = line.partition(" ")
            if name == server:
                try:
                    return parse_fingerprint(fingerprint)
                except ValueError:
                    raise KnownServersError(
                        _("The line of {server} in {file} has no valid fingerprint: delete it.").format(
                            server=server, file=self.file
                        )
                    ) from None
        return None

    def remember(self, server: str, fingerprint: str) -> None:
        """Trust a relay that wasn't known by this certificate from now on.

        Raises:
            KnownServersError: the file can't be written.

        """
        lines = (self._read() or _HEADER).splitlines()
        text = "\n".join([*lines, f"{server} {fingerprint}", ""])
        try:
            write_private(self.path, text)
        except OSError as error:
            raise KnownServersError(
                _("{file} can't be written ({why}): fix that, or use --fingerprint each time.").format(
                    file=self.file, why=system_words(error)
                )
            ) from None

    @property
    def file(self) -> str:
        """Where the file is; harmless to show."""
        return sanitize(str(self.path))

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise KnownServersError(_("{file} isn't UTF-8: move it away.").format(file=self.file)) from None
        except OSError as error:
            raise KnownServersError(
                _("{file} can't be read ({why}): fix that, or use --fingerprint.").format(
                    file=self.file, why=system_words(error)
                )
            ) from None
