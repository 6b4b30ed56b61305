"""Write the dashboards as JSON files: ``make dashboards``."""

from pathlib import Path
from typing import Final

from boards import cluster, relay, runbooks, service
from boards.board import to_json

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"

_BOARDS: Final = {
    "relay": relay.build,
    "service": service.build,
    "cluster": cluster.build,
    "runbooks": runbooks.build,
}


def built() -> dict[str, str]:
    """Build all dashboards; returns their texts by file name."""
    return {f"{name}.json": to_json(build()) for name, build in _BOARDS.items()}


def main() -> None:
    """Write all dashboards."""
    for name, text in built().items():
        (DASHBOARDS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
