"""Buffers, lost datagrams, descriptors, processors."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.doctor.resources import (
    check_kernel_drops,
    check_neighbours,
    check_open_files,
    check_processors,
    check_receive_buffer,
    check_send_buffer,
)
from services.relay_server.doctor.sound import MIB, SOUND, buffers, machine, make_settings, running, settings

SMALL = 212_992
OK, NOTE, PROBLEM = Mark


@pytest.mark.parametrize(
    ("check", "facts", "mark", "says"),
    [
        (check_receive_buffer, SOUND, OK, "4 MiB granted, 4 MiB requested."),
        (check_receive_buffer, settings(receive_buffer_bytes=4096), OK, "4 MiB granted, 4 KiB requested."),
        (check_receive_buffer, buffers(receive_bytes=SMALL, receive_max_bytes=SMALL), PROBLEM, "208 KiB granted"),
        (check_receive_buffer, buffers(receive_bytes=SMALL, receive_max_bytes=None), PROBLEM, "requested: the kernel"),
        (check_receive_buffer, buffers(receive_max_bytes=SMALL), NOTE, "only to root: other users get 208 KiB"),
        (check_receive_buffer, running(receive_buffer_bytes=SMALL), PROBLEM, "208 KiB granted"),
        (check_receive_buffer, running(receive_buffer_bytes=5 * MIB), OK, "5 MiB granted"),
        (check_send_buffer, SOUND, OK, "4 MiB granted"),
        (check_send_buffer, buffers(send_bytes=SMALL, send_max_bytes=SMALL), NOTE, "208 KiB granted"),
        (check_send_buffer, buffers(send_max_bytes=SMALL), NOTE, "208 KiB granted"),
        (check_send_buffer, buffers(send_max_bytes=None), OK, "4 MiB granted"),
        (check_neighbours, SOUND, OK, "up to 8 KiB of copies wait"),
        (check_neighbours, machine(neighbour_wait_bytes=SMALL), NOTE, "up to 208 KiB of copies wait"),
        (check_neighbours, machine(neighbour_wait_bytes=None), NOTE, "unknown on this system."),
        (check_kernel_drops, SOUND, OK, "none since the start of this machine."),
        (check_kernel_drops, machine(udp_buffer_errors=None), NOTE, "unknown on this system."),
        (check_kernel_drops, machine(udp_buffer_errors=7), NOTE, "dropped 7 datagrams"),
        (check_kernel_drops, running(), OK, "none of 1000 datagrams"),
        (check_kernel_drops, running(kernel_drops=7), PROBLEM, "7 of 1007 datagrams"),
        (check_open_files, SOUND, OK, "65536 allowed, at most 13152 needed"),
        (check_open_files, machine(open_files=None), OK, "no limit."),
        (check_open_files, machine(open_files=13_152), OK, "13152 allowed"),
        (
            check_open_files,
            machine(open_files=13_151),
            NOTE,
            "joins, 10000 streams and 1024 connections of browsers need 13152. The relay will accept 2000 and 9999.",
        ),
        (check_open_files, settings(streams="off", web_port=0), OK, "65536 allowed, at most 2128 needed"),
        (check_open_files, machine(open_files=437), NOTE, "The relay will accept 100 and 100."),
        (check_open_files, machine(open_files=436), PROBLEM, "one address alone can use all that joins have"),
        (check_open_files, running(open_files=436), PROBLEM, "one address alone can use all that joins have"),
        (check_open_files, running(open_files=None), OK, "65536 allowed"),
        (check_open_files, settings(max_transactions=0), NOTE, "RELAY_MAX_TRANSACTIONS=0 means no limit"),
        (check_open_files, settings(max_streams=0), NOTE, "RELAY_MAX_STREAMS=0 means no limit"),
        (check_open_files, settings(max_transactions=0, max_transactions_per_address=0), PROBLEM, "one address alone"),
        (check_processors, SOUND, OK, "2 processors; a relay uses one."),
        (check_processors, machine(cpus=1), OK, "1 processor;"),
        (check_processors, machine(cpus=0.5), NOTE, "0.5 processors"),
        (check_processors, running(loop_lag_seconds=0.2), PROBLEM, "lags by up to 0.20 s"),
    ],
)
def test_what_is_said(check: Callable[[Facts], Finding], facts: Facts, mark: Mark, says: str) -> None:
    finding = check(facts)
    assert (finding.mark, says in finding.says) == (mark, True), finding
    assert bool(finding.advice) == (mark is not OK and "unknown" not in finding.says)


def test_a_small_buffer_is_worse_for_a_relay_whose_members_stay_while_it_restarts() -> None:
    small = buffers(receive_bytes=SMALL, receive_max_bytes=SMALL)
    assert check_receive_buffer(small).says.endswith("the kernel will drop bursts of datagrams.")
    kept = replace(small, settings=make_settings(state_directory="/run/chat-relay/state"))
    assert check_receive_buffer(kept).says.endswith(
        "bursts of datagrams, and much of what is said while the relay restarts."
    )


def test_the_advice_names_the_setting_of_the_kernel_and_its_value() -> None:
    facts = replace(buffers(receive_bytes=SMALL, send_bytes=SMALL), settings=make_settings(receive_buffer_bytes=MIB))
    assert "`sudo sysctl -w net.core.rmem_max=1048576`" in check_receive_buffer(facts).advice
    assert "`sudo sysctl -w net.core.wmem_max=1048576`" in check_send_buffer(facts).advice
    settings = "net.ipv4.neigh.default.unres_qlen_bytes=8192 net.ipv6.neigh.default.unres_qlen_bytes=8192"
    assert f"`sudo sysctl -w {settings}`" in check_neighbours(machine(neighbour_wait_bytes=SMALL)).advice
