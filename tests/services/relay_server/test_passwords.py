"""Hashes fit the password that they were made of, and nothing else."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from argon2 import extract_parameters

from relay_server.core.errors import WrongPasswordError
from relay_server.passwords import Outcome, Passwords, decoy_hash


@pytest.mark.requirement("PWD-06")
def test_a_hash_fits_its_password_alone_and_is_dear() -> None:
    hashed = Passwords().hash("correct horse")
    assert Passwords().check("correct horse", hashed) == hashed
    with pytest.raises(WrongPasswordError):
        Passwords().check("correct horse ", hashed)
    assert "horse" not in hashed
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.requirement("PWD-06")
def test_equal_passwords_have_different_hashes() -> None:
    hashed = [Passwords().hash("same") for _ in range(3)]
    assert all(one != other for one, other in pairwise(hashed))


@pytest.mark.requirement("PWD-05")
def test_nothing_fits_a_decoy_which_is_as_dear_as_any() -> None:
    decoy = decoy_hash()
    assert extract_parameters(decoy) == extract_parameters(Passwords().hash("x"))
    assert decoy != decoy_hash()
    for password in ("", "x"):
        with pytest.raises(WrongPasswordError):
            Passwords().check(password, decoy)


@pytest.mark.slow
@pytest.mark.requirement("PWD-03")
def test_all_work_is_counted_by_its_outcome() -> None:
    passwords = Passwords()
    hashed = passwords.hash("right")
    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(passwords.check, "right", hashed) for _ in range(5)]:
            assert future.result() == hashed
        for future in [threads.submit(passwords.check, "wrong", hashed) for _ in range(3)]:
            assert isinstance(future.exception(), WrongPasswordError)
    assert passwords.outcomes == {Outcome.HASHED: 1, Outcome.RIGHT: 5, Outcome.WRONG: 3}


SHORT_OF_MEMORY = """
import resource
from relay_server.core.errors import BusyError
from relay_server.passwords import Passwords, decoy_hash

now_bytes = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now_bytes + 10 * 2**20,) * 2)
passwords = Passwords()
for work in (lambda: passwords.hash("x"), lambda: passwords.check("x", decoy_hash())):
    try:
        work()
    except BusyError as error:
        print(error)
print(dict(passwords.outcomes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's means")
def test_a_relay_short_of_memory_is_busy() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT_OF_MEMORY], capture_output=True, text=True, check=True)
    *said, counted = done.stdout.splitlines()
    assert said == 2 * ["The relay is short of memory for passwords: try again in a moment."]
    assert counted == "{<Outcome.NO_MEMORY: 'no_memory'>: 2}"
