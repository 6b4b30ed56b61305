"""Checks of resources: buffers, descriptors, processor time."""

from typing import Final

from relay_server.doctor.facts import Facts
from relay_server.doctor.findings import Finding, Mark
from relay_server.net.descriptors import needed, share

LATE_SECONDS: Final = 0.1
"""People notice a larger lag of the event loop."""

NEIGHBOUR_WAIT_BYTES: Final = 8192
"""Copies for a thousand neighbours, as many as the kernel remembers, then fit a send buffer of the default size."""

_SYSCTL_ADVICE = "Raise it on the host: `sudo sysctl -w {name}={wanted}`; a file in /etc/sysctl.d keeps it."


def check_receive_buffer(facts: Facts) -> Finding:
    """Check the buffer for a burst of datagrams while the relay is busy (CON-04)."""
    wanted, buffers, relay = facts.settings.receive_buffer_bytes, facts.buffers, facts.relay
    granted = relay.receive_buffer_bytes if relay and relay.receive_buffer_bytes else buffers.receive_bytes
    amounts = f"{_show(granted)} granted, {_show(wanted)} requested"
    most = buffers.receive_max_bytes
    if granted < wanted:
        default = buffers.receive_default_bytes
        limits = "" if most is None else f" (net.core.rmem_max is {most}, rmem_default {default})"
        return Finding(
            "receive_buffer",
            Mark.PROBLEM,
            f"{amounts}{limits}: the kernel will drop bursts of datagrams{_while_away(facts)}.",
            _SYSCTL_ADVICE.format(name="net.core.rmem_max", wanted=wanted) + " Then restart the relay.",
        )
    if not relay and most is not None and most < wanted:
        return Finding(
            "receive_buffer",
            Mark.NOTE,
            f"{amounts}, but only to root: other users get {_show(most)} (net.core.rmem_max).",
            _SYSCTL_ADVICE.format(name="net.core.rmem_max", wanted=wanted),
        )
    return Finding("receive_buffer", Mark.OK, f"{amounts}.")


def _while_away(facts: Facts) -> str:
    """Return what else is lost if the members of this relay stay while it restarts."""
    return ", and much of what is said while the relay restarts" if facts.settings.keeps_state else ""


def check_send_buffer(facts: Facts) -> Finding:
    """Check the buffer for all copies of a batch of messages."""
    wanted, buffers = facts.settings.receive_buffer_bytes, facts.buffers
    granted = min(buffers.send_bytes, buffers.send_max_bytes or buffers.send_bytes)
    amounts = f"{_show(granted)} granted, {_show(wanted)} requested"
    if granted >= wanted:
        return Finding("send_buffer", Mark.OK, f"{amounts}.")
    return Finding(
        "send_buffer",
        Mark.NOTE,
        f"{amounts}: in large rooms copies may be lost because it is full.",
        _SYSCTL_ADVICE.format(name="net.core.wmem_max", wanted=wanted) + " Then restart the relay.",
    )


def check_neighbours(facts: Facts) -> Finding:
    """Check how much of the send buffer copies for one vanished host on a local network can take up."""
    waiting = facts.machine.neighbour_wait_bytes
    if waiting is None:
        return _cant_tell("neighbours")
    says = f"up to {_show(waiting)} of copies wait for a host on a local network that doesn't answer"
    if waiting <= NEIGHBOUR_WAIT_BYTES:
        return Finding("neighbours", Mark.OK, f"{says}.")
    settings = " ".join(f"net.{ip}.neigh.default.unres_qlen_bytes={NEIGHBOUR_WAIT_BYTES}" for ip in ("ipv4", "ipv6"))
    return Finding(
        "neighbours",
        Mark.NOTE,
        f"{says}: if members on a local network vanish, other members lose messages.",
        f"Lower it on the host: `sudo sysctl -w {settings}`; a file in /etc/sysctl.d keeps it.",
    )


def check_kernel_drops(facts: Facts) -> Finding:
    """Check whether the kernel dropped datagrams because a buffer was full (CON-04)."""
    relay, errors = facts.relay, facts.machine.udp_buffer_errors
    advice = "Raise the receive buffer, see above, or find out what delays the relay: load, or too little CPU time."
    if relay and relay.kernel_drops:
        total = relay.datagrams + relay.kernel_drops
        says = f"the kernel dropped {relay.kernel_drops} of {total} datagrams before the relay could read them."
        return Finding("kernel_drops", Mark.PROBLEM, says, advice)
    if relay:
        return Finding("kernel_drops", Mark.OK, f"none of {relay.datagrams} datagrams since the relay's start.")
    if errors is None:
        return _cant_tell("kernel_drops")
    if errors:
        says = f"since its start this machine dropped {errors} datagrams of all programs because buffers were full."
        return Finding("kernel_drops", Mark.NOTE, says, advice)
    return Finding("kernel_drops", Mark.OK, "none since the start of this machine.")


def check_open_files(facts: Facts) -> Finding:
    """Check whether there are enough descriptors for all concurrent joins and streams; members on UDP need none."""
    settings, relay = facts.settings, facts.relay
    limit = relay.open_files if relay and relay.open_files else facts.machine.open_files
    if limit is None:
        return Finding("open_files", Mark.OK, "no limit.")
    wanted = settings.max_transactions, settings.open_streams
    files = needed(*wanted, settings.open_pages)
    if files is not None and limit >= files:
        return Finding("open_files", Mark.OK, f"{limit} allowed, at most {files} needed.")
    advice = f"Raise the limit: LimitNOFILE={max(files or 0, 4096)} in the unit, `ulimit -n`, or `ulimits` in Compose."
    granted = share(limit, *wanted, settings.open_pages)
    if granted[0] < settings.max_transactions_per_address or not settings.max_transactions_per_address:
        says = f"{limit} allowed: one address alone can use all that joins have, and nobody else can join."
        return Finding("open_files", Mark.PROBLEM, says, advice)
    if files is None:
        unlimited = "RELAY_MAX_STREAMS" if settings.max_transactions else "RELAY_MAX_TRANSACTIONS"
        return Finding("open_files", Mark.NOTE, f"{limit} allowed, but {unlimited}=0 means no limit.", advice)
    says = f"{limit} allowed, but {wanted[0]} concurrent creates and joins, {wanted[1] or 0} streams and "
    says += f"{settings.open_pages} connections of browsers need {files}."
    return Finding("open_files", Mark.NOTE, f"{says} The relay will accept {granted[0]} and {granted[1]}.", advice)


def check_processors(facts: Facts) -> Finding:
    """Check whether the relay gets the one processor that it can use."""
    relay, cpus = facts.relay, facts.machine.cpus
    may_use = f"{cpus:g} processor{'s' * (cpus != 1)}"
    if relay and relay.loop_lag_seconds > LATE_SECONDS:
        return Finding(
            "processors",
            Mark.PROBLEM,
            f"the relay's event loop lags by up to {relay.loop_lag_seconds:.2f} s ({may_use}).",
            "Give it a processor of its own, or lower its limits of members and rates.",
        )
    if cpus < 1:
        return Finding(
            "processors",
            Mark.NOTE,
            f"it may use {may_use}: when its share is used up it is paused, and datagrams wait.",
            "Allow at least 1: `cpus` in Compose, CPUQuota= in a unit.",
        )
    return Finding("processors", Mark.OK, f"{may_use}; a relay uses one.")


def _cant_tell(check: str) -> Finding:
    return Finding(check, Mark.NOTE, "unknown on this system.")


def _show(size_bytes: int) -> str:
    for unit, scale in (("MiB", 2**20), ("KiB", 2**10)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.4g} {unit}"
    return f"{size_bytes} bytes"
