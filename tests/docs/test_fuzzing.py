"""docs/fuzzing.md lists every harness there is."""

import re

from docs.markdown import read
from fuzz.corpus import NAMES


def test_every_harness_is_described() -> None:
    assert re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", read("docs/fuzzing.md"), re.MULTILINE) == NAMES
