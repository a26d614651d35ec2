"""What a client is told when a command has failed. Pure: how objects are called is passed in."""

from collections.abc import Callable
from typing import Final, TypeAlias

from idl import cli
from xapi.cli.failures import USAGE_HINT, CommandFailure, UnknownField, UsageFailure
from xapi.cli.selectors import SeveralFailed
from xapi.datamodel.error_texts import ERROR_TEXTS
from xapi.datamodel.errors import ERRORS
from xapi.errors import XenAPIError

NameOf: TypeAlias = Callable[[str], str]
"""What a parameter reads like: ``uuid (name-label)`` for the reference of an object, anything else as it is."""

_ALL_ARE_VMS: Final = "VMS_FAILED_TO_COOPERATE"


def frames(failure: Exception, name_of: NameOf) -> list[cli.Command]:
    """The messages for one of the failures that commands end with."""
    match failure:
        case XenAPIError():
            text = description(failure, name_of)
            if text is None:
                return [cli.Error(failure.code, tuple(failure.params))]
            return [cli.PrintStderr(text + "\n")]
        case UsageFailure():
            return [cli.PrintStderr(f"{failure}\n"), cli.PrintStderr(f"{USAGE_HINT}\n")]
        case CommandFailure():
            return [cli.PrintStderr(f"Error: {failure}\n")]
        case UnknownField():
            return [cli.Error("Missing parameter", (failure.name,))]
        case SeveralFailed():
            return [cli.Print(f"operation failed on {uuid}: {_text(one, name_of)}") for uuid, one in failure.failures]
    raise TypeError(f"{type(failure).__name__} is no failure of a command")


def description(error: XenAPIError, name_of: NameOf) -> str | None:
    """A sentence and a line for each parameter; None for a code of a driver or plug-in, which nobody has described."""
    names, sentence = ERRORS.get(error.code), ERROR_TEXTS.get(error.code)
    if names is None or sentence is None:
        return None
    if error.code == _ALL_ARE_VMS:
        names = ("VM",) * len(error.params)
    values = [name_of(param) for param in error.params]
    values += ["<unknown>"] * (len(names) - len(values))
    labels = [*names, *["<extra>"] * (len(values) - len(names))]
    return "\n".join([sentence, *(f"{label}: {value}" for label, value in zip(labels, values, strict=True))])


def _text(failure: Exception, name_of: NameOf) -> str:
    """One of several failures."""
    if isinstance(failure, XenAPIError):
        text = description(failure, name_of)
        return f"{failure.code}: {', '.join(failure.params)}" if text is None else text
    return str(failure)
