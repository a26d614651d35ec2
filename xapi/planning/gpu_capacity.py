"""How many more shares of a kind fit on a graphics processor, and why none may. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from xapi.errors import XenAPIError, error


@dataclass(frozen=True, slots=True)
class Share:
    """A kind of share (a row of class VGPU_type)."""

    ref: str
    size: int
    beside: frozenset[str] = frozenset()
    """Other kinds that a processor may be cut into at the same time."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A physical processor (a row of class PGPU) and what is on it or about to be."""

    ref: str
    size: int
    supported: Collection[str]
    enabled: Collection[str]
    shares: Sequence[Share] = ()


def refusal(processor: Processor, wanted: Share) -> XenAPIError | None:
    """Return why the processor takes no share of this kind, or None."""
    if wanted.ref not in processor.supported:
        return error("VGPU_TYPE_NOT_SUPPORTED", wanted.ref, ", ".join(processor.supported))
    if wanted.ref not in processor.enabled:
        return error("VGPU_TYPE_NOT_ENABLED", wanted.ref, ", ".join(processor.enabled))
    for running in processor.shares:
        if running.ref != wanted.ref and running.ref not in wanted.beside:
            return error("VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE", processor.ref, wanted.ref, running.ref)
    if remaining_size(processor) < wanted.size or wanted.size <= 0:
        return error("PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU", processor.ref, wanted.ref)
    return None


def remaining_size(processor: Processor) -> int:
    return processor.size - sum(share.size for share in processor.shares)


def capacity(processor: Processor, wanted: Share) -> int:
    """Return how many more shares of the kind fit."""
    return 0 if refusal(processor, wanted) else remaining_size(processor) // wanted.size
