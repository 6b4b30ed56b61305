"""Write the dashboards as Grafana reads them: ``make dashboards``."""

from pathlib import Path
from typing import Final

from boards import relay, service
from boards.board import to_json

DASHBOARDS: Final = Path(__file__).parents[1] / "dashboards"


def built() -> dict[str, str]:
    """Build all dashboards; returns their texts by file name."""
    return {"relay.json": to_json(relay.build()), "service.json": to_json(service.build())}


def main() -> None:
    """Write them all."""
    for name, text in built().items():
        (DASHBOARDS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
