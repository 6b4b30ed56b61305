"""Each test begins in English and leaves no language behind."""

from collections.abc import Iterator

import pytest

from messenger.presentation.i18n import use_language


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


@pytest.fixture
def japanese(english: None) -> None:  # noqa: ARG001 - it comes first
    use_language("ja")
