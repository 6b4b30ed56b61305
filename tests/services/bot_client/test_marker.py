"""Markers make texts unique, and go without a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_client.marker import Marker


def test_markers_number_messages_of_a_process() -> None:
    marker = Marker("k3f9")
    texts = [marker.put("hi") for _ in range(40)]
    assert texts[0] == "hi ~k3f9.1"
    assert texts[35] == "hi ~k3f9.10"
    assert len(set(texts)) == 40


@given(st.text(), st.text())
def test_stripping_gives_the_text_back(process_id: str, text: str) -> None:
    assert Marker.strip(Marker(process_id).put(text)) == text


@pytest.mark.parametrize("text", ["", "hi", "about ~5", "~a.1", "x ~a.B", "x ~.1"])
def test_what_has_no_marker_stays(text: str) -> None:
    assert Marker.strip(text) == text
