"""Errors in a protocol's methods: transports keep some of them to themselves, the relay wants to know all."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def reported(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Tell the loop's exception handler of whatever the method raises, and let it go on its way.

    Both loops take an OSError for a sign that the peer went, and asyncio forgets what making a protocol raises.
    """

    @wraps(method)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            context = {"message": f"{method.__qualname__} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            raise

    return call
