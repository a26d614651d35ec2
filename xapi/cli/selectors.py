"""Commands that work on what filters choose: ``vm-start name-label=web``, ``host-disable host=h1 --multiple``."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from xapi.cli import filters, vm_messages
from xapi.cli.arguments import STANDARD
from xapi.cli.command import Context
from xapi.cli.failures import CommandFailure
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Subject
from xapi.errors import XenAPIError


class Several(Enum):
    """What a selection that matches several objects means."""

    NEVER = "refused"
    IF_ASKED = "with --multiple"
    ALWAYS = "fine"


@dataclass(frozen=True, slots=True)
class Selection:
    """How a command chooses. `not_filters` are its own parameters."""

    cls: str
    several: Several = Several.IF_ASKED
    control_domains: bool = False
    templates: bool = False
    not_filters: frozenset[str] = frozenset()


_SHORTHAND: Final = {
    "vm": ("uuid", "name-label"),
    "host": ("uuid", "hostname", "name-label"),
    "sr": ("uuid", "name-label"),
}
"""Class -> the fields that ``vm=X`` and the like compare with."""

_PLURAL: Final = {"vm": "VMs", "host": "hosts", "sr": "hosts"}
"""In the text for nothing found; scripts know that SRs are called hosts there."""


async def select(ctx: Context, selection: Selection) -> list[Subject]:
    """The objects of the command line, at least one. Raises CommandFailure."""
    cls = CLASSES[selection.cls]
    conditions, shorthand = _conditions(ctx, selection)
    found = await ctx.objects.all(cls.record.cls)
    subjects = [Subject(ctx.objects, cls.record.cls, ref, found[ref]) for ref in sorted(found, reverse=True)]
    subjects = [subject for subject in subjects if _named(subject, selection.cls, shorthand)]
    chosen = await filters.select(cls.record, subjects, conditions)
    if not chosen:
        raise CommandFailure(f"No matching {_PLURAL[selection.cls]} found")
    if len(chosen) > 1 and selection.several is Several.NEVER:
        raise CommandFailure(f"{len(chosen)} objects match, and this command works on one: narrow the filters")
    if len(chosen) > 1 and selection.several is Several.IF_ASKED and not ctx.arguments.flag("multiple"):
        raise CommandFailure(f"{len(chosen)} objects match: use --multiple to act on all of them")
    return chosen


def _conditions(ctx: Context, selection: Selection) -> tuple[list[tuple[str, str]], list[str]]:
    """The filters, and the values of the shorthand."""
    excluded = STANDARD | selection.not_filters
    given = [(name, text) for name, text in ctx.arguments.params if name.partition(":")[0] not in excluded]
    shorthand = [text for name, text in given if name == selection.cls]
    conditions = [(name, text) for name, text in given if name != selection.cls]
    if selection.cls == "vm" and not selection.templates:
        conditions.insert(0, ("is-a-template", "false"))
    if selection.cls == "vm" and not selection.control_domains:
        conditions.insert(0, ("is-control-domain", "false"))
    return conditions, shorthand


def _named(subject: Subject, cls: str, names: Sequence[str]) -> bool:
    own = {subject.record[field.replace("-", "_")] for field in _SHORTHAND[cls]}
    return all(name in own for name in names)


class SeveralFailed(Exception):
    """Some of several objects failed; each failure beside its object's uuid."""

    def __init__(self, failures: list[tuple[str, Exception]]) -> None:
        super().__init__(f"{len(failures)} failed")
        self.failures = failures


async def on_each(ctx: Context, selection: Selection, act: Callable[[Subject], Awaitable[Any]]) -> list[Any]:
    """Acts on each selected object in turn and returns the results, the latest first.

    With several, a failure does not stop the others; all are raised together at the end as SeveralFailed.
    """
    subjects = await select(ctx, selection)
    if selection.cls == "vm":
        act = vm_messages.telling(ctx, act)
    if len(subjects) == 1:
        return [await act(subjects[0])]
    results: list[Any] = []
    failures: list[tuple[str, Exception]] = []
    for subject in subjects:
        try:
            results.insert(0, await act(subject))
        except (XenAPIError, CommandFailure) as error:
            failures.append((str(subject.record["uuid"]), error))
    if failures:
        raise SeveralFailed(failures)
    return results
