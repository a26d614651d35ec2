"""Which function answers which message.

A class's behaviour is in one module of `xapi.classes`; its functions say ``@implements("VM.start")`` and take
``(ctx, *params)`` in the datamodel's order, as native values. `xapi.loading` lists the modules by hand.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from xapi.datamodel import MODEL
from xapi.datamodel.model import Impl

Implementation = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Implementation)

_implementations: dict[str, Implementation] = {}


def implements(*wire_names: str) -> Callable[[F], F]:
    """Register an async function as the answer to messages, e.g. ``"VM.start"``.

    :raises TypeError: the datamodel has no such message, does not leave it to code, or it has an answer already.
    """

    def register(function: F) -> F:
        for wire_name in wire_names:
            message = MODEL.messages.get(wire_name)
            if message is None or message.impl is Impl.REMOVED:
                raise TypeError(f"the datamodel has no message {wire_name}")
            if wire_name in _implementations:
                raise TypeError(f"{wire_name} is implemented twice")
            _implementations[wire_name] = function
        return function

    return register


Extension = Callable[[Any, str], Callable[[list[Any]], Awaitable[Any]] | None]
"""Given a context and a name that the datamodel has not, says what answers it (with the wire parameters), if anything."""

_extensions: list[Extension] = []


def extends(find: Extension) -> Extension:
    """Register who may know messages that are not in the datamodel."""
    _extensions.append(find)
    return find


def extension(ctx: Any, name: str) -> Callable[[list[Any]], Awaitable[Any]] | None:
    return next((run for find in _extensions if (run := find(ctx, name)) is not None), None)


def implementation(wire_name: str) -> Implementation | None:
    """Return the function that answers *wire_name*, or None."""
    return _implementations.get(wire_name)


def implemented() -> frozenset[str]:
    return frozenset(_implementations)
