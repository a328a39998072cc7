"""The precision audit: is an engine in the precision that was asked for?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# The number type that each recipe asks for, by numpy's name, and the share of computing layers that must have it.
# A graph always keeps some layers in float32 (those named in keep_fp32, operators without a kernel), an engine that
# fell back keeps nearly all of them; half lies far from either.
ASKED: dict[str, tuple[str, float]] = {
    "fp32": ("float32", 0.99),
    "tf32": ("float32", 0.99),
    "fp16": ("float16", 0.5),
    "bf16": ("bfloat16", 0.5),
    "int8": ("int8", 0.5),
    "fp16-flags": ("float16", 0.5),
    "int8-calibrator": ("int8", 0.5),
}


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was asked for, held against what was built.

    Attributes:
        asked: the number type that the recipe asks for.
        share: the share of computing layers that have it.
        required: the share that they need.
        shares: the whole distribution.
        audited: whether the engine was audited, or the graph because the runtime emulates the type.
        computes: whether any node of the graph computes something in the sense of the audit, e.g. a convolution.
    """

    asked: str
    share: float
    required: float
    shares: Mapping[str, float]
    audited: str
    computes: bool

    @property
    def passed(self) -> bool:
        """Whether enough layers have the type; nothing that computes passes nothing."""
        return bool(self.shares) and self.share >= self.required

    @property
    def undecided(self) -> bool:
        """Whether there is nothing to tell by: layers without their types, e.g. a whole graph fused into one, or none.

        A graph without a node that computes has no such layers by right; an engine of any other has lost them.
        """
        if not self.shares:
            return not self.computes
        unknown = self.shares.get("unknown", 0.0)
        return not self.passed and self.share + unknown >= self.required

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        if not self.shares:
            nothing = f"no layer of the {self.audited} computes anything"
            return f"{nothing}, though its graph does" if self.computes else f"{nothing} that has a precision to tell"
        found = ", ".join(f"{share:.0%} {name}" for name, share in sorted(self.shares.items(), key=lambda p: -p[1]))
        return (
            f"{self.share:.0%} of the computing layers of the {self.audited} are {self.asked} "
            f"({self.required:.0%} required): {found}"
        )


def audit_precision(
    recipe: str,
    *,
    graph: Mapping[str, float],
    engine: Mapping[str, float],
    emulated: Collection[str],
    required: float | None = None,
) -> Audit:
    """Hold the number types of an engine against its recipe.

    Args:
        recipe: a key of ``ASKED``.
        graph: share of computing nodes by number type, in the graph that the engine was built from.
        engine: the same of the engine's layers.
        emulated: types that the runtime accepts but computes in another one: for these the graph is audited.
        required: the share that is needed, in place of the recipe's own.
    """
    asked, default = ASKED[recipe]
    audited, shares = ("graph", graph) if asked in emulated else ("engine", engine)
    return Audit(
        asked=asked,
        share=shares.get(asked, 0.0),
        required=default if required is None else required,
        shares=dict(shares),
        audited=audited,
        computes=bool(graph),
    )
