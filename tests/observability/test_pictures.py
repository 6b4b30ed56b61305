"""The pictures of the dashboards: they can be drawn, and those that documents show have the dashboards' shape."""

from pathlib import Path

import pytest
from PIL import Image

from observability.pictures.__main__ import BOARDS, IMAGES, draw
from observability.pictures.page import page_size
from observability.prometheus import Prometheus
from observability.queries import dashboards

MAX_BYTES = 450_000


@pytest.mark.needs("prometheus")
def test_they_can_be_drawn(prometheus: Prometheus, tmp_path: Path) -> None:
    draw(prometheus, tmp_path, minutes=1)
    for name in BOARDS:
        with Image.open(tmp_path / f"dashboard-{name}.png") as picture:
            assert len(picture.getcolors(1 << 24) or ()) > 100, "an empty page"


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_one_has_the_shape_of_the_dashboard(name: str) -> None:
    path = IMAGES / f"dashboard-{name}.png"
    with Image.open(path) as picture:
        assert picture.size == page_size(dashboards()[name]), "run `make dashboard-pictures`"
    assert path.stat().st_size < MAX_BYTES
