"""Whom a person ignores on which server: a file of names."""

import json
from collections.abc import Sequence
from pathlib import Path

from chatproto import sanitize
from messenger.core.ignoring import IgnoredError
from messenger.presentation.i18n import _
from messenger.presentation.wording import system_words
from messenger.store.files import read_json, write_private


class IgnoredPeople:
    """The file; it is read anew each time, for other windows write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self, host: str) -> Sequence[str]:
        """Return the names that are ignored on a server.

        Raises:
            IgnoredError: the file can't be read.

        """
        return self._read().get(host, [])

    def keep(self, host: str, names: Sequence[str]) -> None:
        """Ignore these names on a server from now on, and nobody else.

        Raises:
            IgnoredError: the file can't be read or written; what was there before stays.

        """
        kept = {each: known for each, known in {**self._read(), host: list(names)}.items() if known}
        try:
            write_private(self.path, json.dumps({"ignored": kept}, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            form = _("{file} can't be written ({why}): whom you ignore will be forgotten.")
            raise IgnoredError(form.format(file=self._file, why=system_words(error))) from None

    @property
    def _file(self) -> str:
        return sanitize(str(self.path))

    def _read(self) -> dict[str, list[str]]:
        try:
            kept = read_json(self.path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            form = _("{file} can't be read ({why}): nobody is ignored until that is fixed.")
            raise IgnoredError(form.format(file=self._file, why=system_words(error))) from None
        except ValueError:
            kept = None
        match kept:
            case {"ignored": dict(servers)} if all(map(_are_names, servers.values())):
                return servers
        raise IgnoredError(
            _("{file} is damaged: nobody is ignored until you mend it or delete it.").format(file=self._file)
        )


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
