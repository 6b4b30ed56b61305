"""What the key of a cluster seals opens by that key alone, and only where it belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay_server.cluster.vault import NONCE_BYTES, SealError, Vault

SECRET = "a secret of the cluster, for tests"


@given(value=st.binary(max_size=200), place=st.text(max_size=20))
def test_what_is_sealed_opens_in_its_place(value: bytes, place: str) -> None:
    sealer = Vault(SECRET).records
    assert Vault(SECRET).records.open(place, sealer.seal(place, value)) == value
    with pytest.raises(SealError):
        sealer.open(place + "x", sealer.seal(place, value))


def test_each_byte_counts() -> None:
    sealer = Vault(SECRET).records
    sealed = sealer.seal("room.a", b"value")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealError):
            sealer.open("room.a", bytes(changed))


@given(junk=st.binary(max_size=64))
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(SealError):
        Vault(SECRET).records.open("room.a", junk)


def test_no_value_is_sealed_alike_twice() -> None:
    sealer = Vault(SECRET).records
    assert len({sealer.seal("room.a", b"value")[:NONCE_BYTES] for _ in range(1000)}) == 1000


def test_every_purpose_and_every_secret_has_keys_of_its_own() -> None:
    one, other = Vault(SECRET), Vault(SECRET + "!")
    with pytest.raises(SealError):
        other.records.open("room.a", one.records.seal("room.a", b"value"))
    with pytest.raises(SealError):
        one.beats.open("room.a", one.records.seal("room.a", b"value"))
    keys = [one.tickets_key, one.links_key, other.tickets_key, other.links_key]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}


def test_rooms_have_keys_that_a_directory_takes_and_that_tell_no_name() -> None:
    vault = Vault(SECRET)
    names = [b"room", b"Room", b"room ", b"\xf0\x9f\x90\x88", b"r" * 255]
    keys = [vault.room_key(name) for name in names]
    assert len(set(keys)) == len(names)
    for key in keys:
        prefix, _, rest = key.partition(".")
        assert (prefix, len(rest)) == ("room", 52)
        assert set(rest) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert keys == [Vault(SECRET).room_key(name) for name in names]
    assert not set(keys) & {Vault(SECRET + "!").room_key(name) for name in names}
