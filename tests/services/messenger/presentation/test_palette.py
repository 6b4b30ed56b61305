"""Colours: steady, and readable on any background."""

import pytest

from messenger.presentation.palette import COLOURS, colour_of


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", COLOURS)
def test_each_can_be_read_on_black_and_on_white(colour: str) -> None:
    assert (_luminance(colour) + 0.05) / 0.05 > 4
    assert 1.05 / (_luminance(colour) + 0.05) > 4


def test_a_person_keeps_a_colour() -> None:
    assert colour_of("ann") == colour_of("ann") == "#5f7f00"  # today as on any other day


def test_people_differ() -> None:
    assert {colour_of(f"person {number}") for number in range(200)} == set(COLOURS)
