"""How each benchmark begins and ends: on two CPUs, in a network of its own, and with a sentence if it fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.arguments import FAILED, INTERRUPTED, USAGE_ERROR, describe, fail
from bench.place import Cpus, choose_cpus, run_in_fresh_network, why_no_fresh_network
from bench.programs import BenchError, ToolMissingError
from chatproto import ProtocolError, RefusedError


def begin(module: str, *, here: bool) -> Cpus:
    """Move this module's process into a network namespace of its own, and return its CPUs.

    It stays where it is with ``here``, or where there can be no namespace, which it says.
    """
    if sys.platform != "linux":
        fail(module, "The benchmark needs Linux, for its system calls and CPU affinity.", USAGE_ERROR)
    if not here:
        reason = why_no_fresh_network()
        if not reason:
            run_in_fresh_network([sys.executable, "-m", module, "--here", *sys.argv[1:]])
        print(f"This machine's packet filters count in the figures: {reason}.")
    cpus = choose_cpus()
    print(describe(cpus), flush=True)
    return cpus


@contextmanager
def told(module: str) -> Iterator[None]:
    """Exit with a sentence if the measurement can't be made or fails, and without one if it is interrupted."""
    try:
        yield
    except ToolMissingError as error:
        fail(module, str(error), USAGE_ERROR)
    except BenchError as error:
        fail(module, str(error), FAILED)
    except (ProtocolError, RefusedError, OSError) as error:
        fail(module, f"The measurement failed: {error}", FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
