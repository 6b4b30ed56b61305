"""Checks of what the system grants: buffers, descriptors, processor time."""

from typing import Final

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.net.descriptors import OWN_FILES

LATE_SECONDS: Final = 0.1
"""An event loop that is later than this is noticed by people."""

NEIGHBOUR_WAIT_BYTES: Final = 8192
"""A thousand neighbours' worth, as many as the kernel remembers, fits a send buffer of the default size."""

_SYSCTL_ADVICE = "Raise it on the host: `sudo sysctl -w {name}={wanted}`; a file in /etc/sysctl.d keeps it."


def check_receive_buffer(facts: Facts) -> Finding:
    """Judge the room for a burst of datagrams while the relay is busy (CON-04)."""
    wanted, buffers, relay = facts.settings.receive_buffer_bytes, facts.buffers, facts.relay
    granted = relay.receive_buffer_bytes if relay and relay.receive_buffer_bytes else buffers.receive_bytes
    amounts = f"{_show(granted)} granted, {_show(wanted)} asked for"
    most = buffers.receive_max_bytes
    if granted < wanted:
        default = buffers.receive_default_bytes
        limits = "" if most is None else f" (net.core.rmem_max is {most}, rmem_default {default})"
        return Finding(
            "receive_buffer",
            Mark.PROBLEM,
            f"{amounts}{limits}: bursts of datagrams get lost in the kernel.",
            _SYSCTL_ADVICE.format(name="net.core.rmem_max", wanted=wanted) + " Then restart the relay.",
        )
    if not relay and most is not None and most < wanted:
        return Finding(
            "receive_buffer",
            Mark.NOTE,
            f"{amounts}, but only to root: others get {_show(most)} (net.core.rmem_max).",
            _SYSCTL_ADVICE.format(name="net.core.rmem_max", wanted=wanted),
        )
    return Finding("receive_buffer", Mark.OK, f"{amounts}.")


def check_send_buffer(facts: Facts) -> Finding:
    """Judge the room for all copies of a batch of messages."""
    wanted, buffers = facts.settings.receive_buffer_bytes, facts.buffers
    granted = min(buffers.send_bytes, buffers.send_max_bytes or buffers.send_bytes)
    amounts = f"{_show(granted)} granted, {_show(wanted)} asked for"
    if granted >= wanted:
        return Finding("send_buffer", Mark.OK, f"{amounts}.")
    return Finding(
        "send_buffer",
        Mark.NOTE,
        f"{amounts}: in large rooms copies may find it full.",
        _SYSCTL_ADVICE.format(name="net.core.wmem_max", wanted=wanted) + " Then restart the relay.",
    )


def check_neighbours(facts: Facts) -> Finding:
    """Judge how much of the send buffer one host of this machine's own networks takes up when it is gone."""
    waiting = facts.machine.neighbour_wait_bytes
    if waiting is None:
        return _cant_tell("neighbours")
    says = f"up to {_show(waiting)} of copies wait for a neighbour that doesn't answer"
    if waiting <= NEIGHBOUR_WAIT_BYTES:
        return Finding("neighbours", Mark.OK, f"{says}.")
    settings = " ".join(f"net.{ip}.neigh.default.unres_qlen_bytes={NEIGHBOUR_WAIT_BYTES}" for ip in ("ipv4", "ipv6"))
    return Finding(
        "neighbours",
        Mark.NOTE,
        f"{says}: if members on this machine's own network vanish, others lose messages.",
        f"Lower it on the host: `sudo sysctl -w {settings}`; a file in /etc/sysctl.d keeps it.",
    )


def check_kernel_drops(facts: Facts) -> Finding:
    """Tell whether datagrams got lost for want of room (CON-04)."""
    relay, errors = facts.relay, facts.machine.udp_buffer_errors
    advice = "Raise the receive buffer, see above, or look for what holds the relay up: load, or too little processor."
    if relay and relay.kernel_drops:
        total = relay.datagrams + relay.kernel_drops
        says = f"the kernel dropped {relay.kernel_drops} of {total} datagrams before the relay could read them."
        return Finding("kernel_drops", Mark.PROBLEM, says, advice)
    if relay:
        return Finding("kernel_drops", Mark.OK, f"none of {relay.datagrams} datagrams since the relay's start.")
    if errors is None:
        return _cant_tell("kernel_drops")
    if errors:
        says = f"since its start this machine dropped {errors} datagrams of any programs because buffers were full."
        return Finding("kernel_drops", Mark.NOTE, says, advice)
    return Finding("kernel_drops", Mark.OK, "none since the start of this machine.")


def check_open_files(facts: Facts) -> Finding:
    """Judge whether descriptors suffice for all creates and joins at once; members need none."""
    settings, relay = facts.settings, facts.relay
    limit = relay.open_files if relay and relay.open_files else facts.machine.open_files
    if limit is None:
        return Finding("open_files", Mark.OK, "no limit.")
    needed = settings.max_transactions + OWN_FILES
    if settings.max_transactions and limit >= needed:
        return Finding("open_files", Mark.OK, f"{limit} allowed, {needed} needed at worst.")
    one_address = settings.max_transactions_per_address + OWN_FILES
    advice = f"Raise the limit: LimitNOFILE={max(needed, 4096)} in the unit, `ulimit -n`, or `ulimits` in Compose."
    if limit < one_address or not settings.max_transactions_per_address:
        says = f"{limit} allowed: one address alone can use them all up, and nobody else gets in."
        return Finding("open_files", Mark.PROBLEM, says, advice)
    if not settings.max_transactions:
        return Finding(
            "open_files", Mark.NOTE, f"{limit} allowed, but RELAY_MAX_TRANSACTIONS=0 means no limit.", advice
        )
    says = f"{limit} allowed, but {settings.max_transactions} creates and joins at once need {needed}."
    return Finding("open_files", Mark.NOTE, f"{says} A relay takes fewer at once.", advice)


def check_processors(facts: Facts) -> Finding:
    """Judge whether the relay gets the one processor that it can use."""
    relay, cpus = facts.relay, facts.machine.cpus
    may_use = f"{cpus:g} processor{'s' * (cpus != 1)}"
    if relay and relay.loop_lag_seconds > LATE_SECONDS:
        return Finding(
            "processors",
            Mark.PROBLEM,
            f"the relay is {relay.loop_lag_seconds:.2f} s late with its work lately ({may_use}).",
            "Give it a processor of its own, or lower its limits of members and rates.",
        )
    if cpus < 1:
        return Finding(
            "processors",
            Mark.NOTE,
            f"it may use {may_use}: it pauses whenever its share is used up, and datagrams wait.",
            "Grant at least 1: `cpus` in Compose, CPUQuota= in a unit.",
        )
    return Finding("processors", Mark.OK, f"{may_use}; a relay uses one.")


def _cant_tell(check: str) -> Finding:
    return Finding(check, Mark.NOTE, "can't tell here.")


def _show(size_bytes: int) -> str:
    for unit, scale in (("MiB", 2**20), ("KiB", 2**10)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.4g} {unit}"
    return f"{size_bytes} bytes"
