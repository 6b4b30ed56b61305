from messenger.desktop.recall import MAX_RECALLED, Recall


def filled(*lines: str) -> Recall:
    recall = Recall()
    for line in lines:
        recall.add(line)
    return recall


def test_one_goes_back_to_the_first_line_and_forth_to_an_empty_one() -> None:
    recall = filled("a", "b")
    assert [recall.earlier() for _ in range(3)] == ["b", "a", None]
    assert [recall.later() for _ in range(3)] == ["b", "", None]


def test_a_new_line_is_the_first_to_come_back() -> None:
    recall = filled("a", "b")
    recall.earlier()
    recall.add("c")
    assert recall.earlier() == "c"


def test_what_was_said_twice_running_what_is_empty_and_passwords_are_not_noted() -> None:
    recall = filled("a", "a", " ", "/password secret")
    assert [recall.earlier() for _ in range(2)] == ["a", None]


def test_only_the_newest_are_kept() -> None:
    recall = filled(*map(str, range(MAX_RECALLED + 5)))
    lines = [recall.earlier() for _ in range(MAX_RECALLED + 1)]
    assert lines[-2:] == ["5", None]
