"""The reference of a case: what the FP32 graph computes on the CPU, or on a GPU that was held against the CPU first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import ReferenceDisagrees
from harness.history.records import stable_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cases import Point
    from harness.workbench import Workbench
    from harness.workers.client import WorkerClient


class Ask(Protocol):
    """Asks a worker and counts the time."""

    def __call__(self, worker: WorkerClient, method: str, /, **params: Any) -> dict[str, Any]:
        """Return the worker's answer."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Where a reference is, and who computed it.

    Attributes:
        folders: by the point's label: ``inputs`` and ``outputs``; at the smallest point ``layers``, too.
        facts: of a reference other than the CPU provider's: runtime, version, and how near to the CPU's it is.
    """

    folders: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)


def make_reference(
    workbench: Workbench, ask: Ask, request: Mapping[str, Any], points: Sequence[Point], smallest: Point, *, key: str
) -> Reference:
    """Compute a reference, or find it in the cache.

    On a GPU the inputs are those of the CPU's worker, since a generator of random numbers is only sure to repeat itself
    within one numpy. The smallest point is computed on both, and nothing is compared with a GPU that disagrees there.

    Args:
        workbench: has the workers and the cache.
        ask: how workers are asked.
        request: what ``harness.workers.reference.compute_reference`` needs, but for the points.
        points: where it is wanted.
        smallest: the point whose layers are kept, and at which a GPU is held against the CPU.
        key: SHA-256 over the graph and how it is fed. In the cache the provider and its version are added to it.

    Raises:
        ReferenceDisagrees: the GPU's is not what the CPU makes of the graph.
    """
    cpu, cuda = workbench.reference(), workbench.cuda_reference()

    def folders_of(versions: Mapping[str, Any], points: Sequence[Point]) -> dict[str, str]:
        software = [versions["runtime"], versions["version"], versions["libraries"]]
        home = workbench.cache / "reference" / stable_hash([key, software])[:24]
        return {point.label: str(home / point.label) for point in points}

    def compute(worker: WorkerClient, folders: Mapping[str, str], points: Sequence[Point]) -> None:
        sizes = {point.label: dict(point.sizes) for point in points}
        if worker is not cpu:
            ask(cpu, "reference_inputs", request={**request, "points": sizes}, folders=folders)
        ask(worker, "reference", request={**request, "points": sizes}, folders=folders, layers_at=smallest.label)

    on_cpu = [smallest] if cuda else points
    expected = folders_of(ask(cpu, "versions"), on_cpu)
    compute(cpu, expected, on_cpu)
    if cuda is None:
        return Reference(folders=expected)
    versions = ask(cuda, "versions")
    folders = folders_of(versions, points)
    compute(cuda, folders, points)
    label = smallest.label
    try:
        agreement = ask(cpu, "agreement", actual=folders[label], expected=expected[label])
    except ReferenceDisagrees as disagreement:
        raise ReferenceDisagrees(
            f"--reference cuda cannot be used for this model: at {label} {disagreement}. Nothing was compared with it; "
            f"use --reference cpu."
        ) from None
    return Reference(
        folders=folders, facts={"runtime": versions["runtime"], "version": versions["version"], **agreement}
    )
