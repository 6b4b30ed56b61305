"""What was typed before, an arrow away."""

from messenger.core.recall import MAX_KEPT, Recall


def filled(*lines: str) -> Recall:
    recall = Recall()
    for line in lines:
        recall.keep(line)
    return recall


def test_one_goes_back_to_the_first_line_and_forth_to_what_one_was_typing() -> None:
    recall = filled("a", "b")
    assert [recall.older("draft") for _ in range(3)] == ["b", "a", None]
    assert [recall.newer() for _ in range(3)] == ["b", "draft", None]


def test_nothing_was_typed_before_the_first_line() -> None:
    recall = Recall()
    assert (recall.older("draft"), recall.newer()) == (None, None)


def test_a_new_line_is_the_first_to_come_back() -> None:
    recall = filled("a", "b")
    recall.older("")
    recall.keep("c")
    assert recall.older("") == "c"


def test_what_was_said_twice_running_what_is_empty_and_passwords_are_not_kept() -> None:
    recall = filled("a", "a", " ", "/password secret")
    assert [recall.older("") for _ in range(2)] == ["a", None]


def test_only_the_newest_are_kept() -> None:
    recall = filled(*map(str, range(MAX_KEPT + 5)))
    lines = [recall.older("") for _ in range(MAX_KEPT + 1)]
    assert lines[-2:] == ["5", None]
