"""What changed is noted for whoever listens."""

from relay_server.core.changes import Changes, Noted


def test_each_thing_is_noted_once_and_the_first_one_is_told_of() -> None:
    changes, told = Changes(), []
    noted = Noted(lambda: told.append("something"))
    changes.listen(noted)
    for thing in ("a", "b", "a"):
        changes.note(thing)
    assert told == ["something"]
    assert noted.take() == ["a", "b"]
    assert noted.take() == []
    changes.note("a")
    assert told == ["something"] * 2


def test_two_may_listen_and_each_takes_for_itself() -> None:
    changes = Changes()
    one, other = Noted(lambda: None), Noted(lambda: None)
    changes.listen(one)
    changes.note("a")
    changes.listen(other)
    changes.note("b")
    assert (one.take(), other.take()) == (["a", "b"], ["b"])
    changes.forget(one)
    changes.note("c")
    assert (one.take(), other.take()) == ([], ["c"])
