"""Generated tables are what the code says now; ``make docs`` renews them."""

import pytest

from docs.generated import DOCS, TABLES, with_tables


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_up_to_date(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert f"<!-- begin generated: {name} -->\n| " in text
    assert text == with_tables(text), f"docs/{name}.md is out of date: run `make docs`"
