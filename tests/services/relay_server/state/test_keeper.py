"""The keeper of the journal, with real files, rooms and event loops."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from relay_server.core.moderation import MAX_BANS, Moderation
from relay_server.core.restoring import Restoring
from relay_server.core.saving import SLICE
from relay_server.core.state import Header, encode_line
from relay_server.net import loop
from relay_server.state import journal as journal_module
from relay_server.state import keeper as keeper_module
from relay_server.state.journal import BAD, FILE, Journal
from services.relay_server.state.kept import Kept, killed_and_back, until

QUICK_SECONDS = 0.02

Scenario = Callable[[], Awaitable[None]]


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Callable[[Scenario], None]:
    """Run a scenario on each event loop."""

    def run_it(scenario: Scenario) -> None:
        async def whole() -> int:
            await scenario()
            return 0

        loop.run(whole(), use_uvloop=request.param)

    return run_it


def test_before_others_are_told_it_is_written_once(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        counters = kept.keeper.counters
        kept.keeper.start()
        kept.keeper.write()
        assert counters.writes == 0
        kept.create("tea")
        kept.keeper.write()
        assert counters.writes == 1
        await killed_and_back(kept, tmp_path / "state")
        assert counters.writes == 1

    (tmp_path / "state").mkdir()
    run(scenario)


def test_each_change_is_in_the_file_a_turn_of_the_loop_later(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        kept.join("tea", "bob")
        kept.join("tea", "eve")
        kept.leave("tea", "eve")
        kept.create("gone")
        kept.close_room("gone")
        back = await killed_and_back(kept, tmp_path / "state")
        assert back.people() == kept.people()
        assert set(back.people()["tea"]) == {"ann", "bob"}
        assert kept.keeper.counters.writes == 1  # all of one turn together
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_it_is_written_anew_between_other_work_while_people_come_and_go(
    run: Callable[[Scenario], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "GROWTH", 1)
    monkeypatch.setattr(journal_module, "SPARE_BYTES", 0)

    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        for room in range(10):
            kept.create(f"room {room}")
            for member in range(SLICE):
                kept.join(f"room {room}", f"member {member}")
        turns = 0
        await until(lambda: kept.keeper.journal.is_renewing)
        monkeypatch.setattr(journal_module, "SPARE_BYTES", 1 << 30)  # not once more
        while kept.keeper.journal.is_renewing:
            turns += 1
            kept.join("room 9", f"late {turns}")
            kept.leave("room 0", f"member {turns}")
            kept.join("room 8", f"member of room 8 and turn {turns}")
            kept.create(f"new room {turns}")
            if turns == 2:
                kept.close_room("room 5")
                kept.create("room 5")
            await asyncio.sleep(0)
        assert turns >= 10, "it was written in one piece"
        back = await killed_and_back(kept, tmp_path / "state")
        assert back.people() == kept.people()
        assert back.keeper.counters.restored_rooms == 10 + turns
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


@pytest.mark.slow
def test_changes_without_end_dont_fill_the_disk(
    run: Callable[[Scenario], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SPARE_BYTES", 10_000)

    async def scenario() -> None:
        kept = Kept(tmp_path)
        kept.keeper.start()
        kept.create("tea")
        (ann,) = kept.registry.rooms[b"tea"].members
        sizes, renewed = [], kept.keeper.counters.renewals
        for number in range(2000):
            Moderation(kept.registry).set_topic(ann, f"{number} {'x' * 200}")
            await asyncio.sleep(0)
            sizes.append(size_of(tmp_path))
        assert max(sizes) < 20_000
        assert kept.keeper.counters.renewals - renewed < 100
        assert kept.keeper.counters.written_bytes > 10 * max(sizes)
        kept.keeper.close()

    run(scenario)


def test_a_flood_of_large_changes_is_written_together(
    run: Callable[[Scenario], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with many bans writes them all by each word about the room's topic (threat N15)."""
    monkeypatch.setattr(keeper_module, "LONGEST_WAIT_SECONDS", 0.1)

    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        room = kept.registry.rooms[b"tea"]
        (ann,) = room.members
        for number in range(MAX_BANS):
            Moderation(kept.registry).ban(room, f"{'쮔' * 80}{number}", kept.now())
        before, began, rounds = kept.keeper.counters.written_bytes, kept.now(), 1000
        for number in range(rounds):
            Moderation(kept.registry).set_topic(ann, f"topic {number}")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        wrote, seconds = kept.keeper.counters.written_bytes - before, kept.now() - began
        each = len(room.bans) * 2000
        allowed = keeper_module.AT_ONCE_BYTES + (keeper_module.BYTES_A_SECOND + each / 0.1) * seconds
        assert wrote < 3 * allowed < rounds * each
        written = kept.keeper.counters.writes
        await until(lambda: kept.keeper.counters.writes > written)
        back = await killed_and_back(kept, tmp_path / "state")
        assert back.registry.rooms[b"tea"].topic == f"topic {rounds - 1}"
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_a_file_that_was_taken_away_comes_back(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state", lifetime_seconds=QUICK_SECONDS)
        kept.keeper.start()
        kept.create("tea")
        (tmp_path / "state" / FILE).unlink()
        await until(lambda: kept.keeper.counters.failures == 1)
        kept.join("tea", "bob")
        await until(lambda: kept.keeper.journal.is_current)
        kept.join("tea", "eve")
        back = await killed_and_back(kept, tmp_path / "state")
        assert set(back.people()["tea"]) == {"ann", "bob", "eve"}
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_while_nothing_can_be_written_the_end_isnt_silent(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        shutil.rmtree(tmp_path / "state")
        kept.keeper.save()
        assert not kept.keeper.journal.is_current
        assert kept.keeper.counters.failures == 1
        (tmp_path / "state").mkdir()
        kept.keeper.start()
        kept.keeper.save()
        assert (tmp_path / "state" / FILE).exists()
        kept.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_what_changes_after_the_end_is_not_written(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        kept.join("tea", "bob")
        kept.keeper.save()
        kept.leave("tea", "bob")
        back = await killed_and_back(kept, tmp_path / "state")
        assert set(back.people()["tea"]) == {"ann", "bob"}
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_a_cleared_state_is_nobodys(run: Callable[[Scenario], None], tmp_path: Path) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        kept.keeper.clear()
        kept.create("coffee")
        back = await killed_and_back(kept, tmp_path / "state")
        assert back.people() == {}
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_what_makes_an_error_is_set_aside_for_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        kept = Kept(tmp_path)
        kept.keeper.start()
        kept.create("tea")
        await asyncio.sleep(0)
        kept.keeper.close()
        monkeypatch.setattr(Restoring, "finish", fail)
        with pytest.raises(ZeroDivisionError):
            Kept(tmp_path)
        assert (tmp_path / BAD).exists()
        assert not (tmp_path / FILE).exists()

    asyncio.run(scenario())


@pytest.mark.parametrize("formats", [0, 2])
def test_another_format_is_set_aside(tmp_path: Path, formats: int) -> None:
    async def scenario() -> None:
        journal = Journal(tmp_path)
        journal.renew()
        journal.add([encode_line(Header(format=formats, formats=(formats,), version="x"))])
        journal.put_in_place()
        journal.close()
        kept = Kept(tmp_path)
        assert (tmp_path / BAD).exists()
        assert kept.people() == {}
        kept.keeper.close()

    asyncio.run(scenario())


def test_an_empty_file_isnt_taken_for_a_relay_without_rooms(tmp_path: Path) -> None:
    """As a machine may leave it that loses its power."""

    async def scenario() -> None:
        (tmp_path / FILE).touch(mode=0o600)
        kept = Kept(tmp_path)
        assert (tmp_path / BAD).exists()
        assert kept.keeper.is_proven
        kept.keeper.close()

    asyncio.run(scenario())


def test_it_is_as_old_as_its_last_sign_of_life(
    run: Callable[[Scenario], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "BEAT_SECONDS", QUICK_SECONDS)

    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        await asyncio.sleep(0)
        written_at = (tmp_path / "state" / FILE).stat().st_mtime
        os.utime(tmp_path / "state" / FILE, (written_at - 200, written_at - 200))
        await until(lambda: (tmp_path / "state" / FILE).stat().st_mtime >= written_at)
        back = await killed_and_back(kept, tmp_path / "state")
        assert set(back.people()) == {"tea"}
        assert not back.keeper.is_proven
        back.keeper.close()
        os.utime(tmp_path / "state-later" / FILE, (written_at - 301, written_at - 301))
        late = Kept(tmp_path / "state-later")
        assert late.people() == {}
        assert late.keeper.is_proven
        late.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)


def test_while_it_pauses_another_process_may_write_and_then_all_is_written_anew(
    run: Callable[[Scenario], None], tmp_path: Path
) -> None:
    async def scenario() -> None:
        kept = Kept(tmp_path / "state")
        kept.keeper.start()
        kept.create("tea")
        kept.keeper.pause()
        file = tmp_path / "state" / FILE
        assert b"tea".hex().encode() in file.read_bytes()
        size = file.stat().st_size
        kept.join("tea", "bob")
        for _ in range(5):
            await asyncio.sleep(0)
        assert file.stat().st_size == size
        file.unlink()  # what the other process may have done
        kept.keeper.resume()
        await until(file.exists)
        kept.join("tea", "eve")  # which is told like any change, although others came in the pause
        kept.leave("tea", "bob")
        back = await killed_and_back(kept, tmp_path / "state")
        assert set(back.people()["tea"]) == {"ann", "eve"}
        back.keeper.close()

    (tmp_path / "state").mkdir()
    run(scenario)
