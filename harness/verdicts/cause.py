"""Whether it is the engine or the machine: what a changed latency goes with. Plain data in, a cause class out.

A builder chooses tactics by timing them, so two builds of one graph may be two different engines. Whoever reads that a
case became slower wants to know first which of these it is:

same engine            the very build that the baseline ran: its tactics cannot be what changed
rebuilt, same tactics  another build that chose the same layers, types and tactics
other tactics          another build that chose otherwise, and these are the layers
unknown                the engine, or that of the baseline, was not told

Layers of two engines are paired by what they compute: by the tensors that they make, else by their names. Names alone
do not do, since a layer that was fused with its neighbour is called after both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CauseClass = Literal["same engine", "rebuilt, same tactics", "other tactics", "unknown"]
Changed = Literal["tactic", "type", "time", "new", "gone"]

# How many layers a sentence names.
_MOST_LAYERS = 5
# A layer of the same tactic takes another time if it differs by this share of its own and of the engine's time: a
# profile is a median of some twenty runs, and the times of small layers scatter by more than a tenth.
_OWN_SHARE, _ENGINE_SHARE = 0.10, 0.01


class Layer(Protocol):
    """What is read of a layer; ``harness.history.records.LayerRecord`` has it."""

    @property
    def name(self) -> str:
        """The engine's own name for it."""

    @property
    def compute_type(self) -> str:
        """The number type that it computes in; ``""`` for layers that only move data."""

    @property
    def tactic(self) -> str:
        """Which implementation was chosen; ``""`` where the runtime does not say."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors that it makes."""

    @property
    def milliseconds(self) -> float | None:
        """Its time under a profiler; None where it was not profiled."""


@dataclass(frozen=True, kw_only=True)
class BuiltEngine:
    """An engine as far as its cause class needs it.

    Attributes:
        build: tells builds apart, also those that chose the same.
        fingerprint: equal for builds that chose the same layers, types and tactics.
        layers: in the engine's order; empty where they were not listed.
    """

    build: str
    fingerprint: str
    layers: Sequence[Layer] = ()


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """One layer that is not what it was.

    Attributes:
        name: in the new engine, or in the old one where it is gone.
        changed: what is different, at least one thing.
        tactics: before and after; ``""`` where there was none.
        types: likewise, the number types that it computes in.
        milliseconds: likewise, its time; None where it is not known.
    """

    name: str
    changed: tuple[Changed, ...]
    tactics: tuple[str, str] = ("", "")
    types: tuple[str, str] = ("", "")
    milliseconds: tuple[float | None, float | None] = (None, None)

    @property
    def slower_by(self) -> float | None:
        """Milliseconds that it takes more than before; a layer that is new or gone took none on the other side."""
        before, after = self.milliseconds
        if "new" in self.changed:
            return after
        if "gone" in self.changed:
            return None if before is None else -before
        return None if before is None or after is None else after - before

    def __str__(self) -> str:
        told = [what if what != "type" else f"{' to '.join(map(_or_none, self.types))}" for what in self.changed]
        if self.slower_by:
            told = [what for what in told if what != "time"] + [f"{self.slower_by:+.3g} ms"]
        return f"{self.name} ({', '.join(told)})"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a change goes with.

    Attributes:
        name: the class.
        layers: of ``other tactics``: the layers that changed, the largest change of time first.
        baseline_builds: how many engines the baseline's runs are of; 0 where none is known.
        fingerprints: of the baseline's engine and of the new one; ``""`` where it is not known.
    """

    name: CauseClass
    layers: tuple[LayerChange, ...] = ()
    baseline_builds: int = 0
    fingerprints: tuple[str, str] = ("", "")

    @property
    def sentence(self) -> str:
        """The class in words, with the layers that changed most."""
        if self.name == "unknown":
            return "cause unknown, since the engines to compare are"
        if self.name != "other tactics":
            return self.name
        chosen = [layer for layer in self.layers if layer.changed != ("time",)]
        if not chosen:
            return "other tactics, in layers that are not listed"
        named = ", ".join(map(str, chosen[:_MOST_LAYERS]))
        more = f" and {len(chosen) - _MOST_LAYERS} more" if len(chosen) > _MOST_LAYERS else ""
        return f"other tactics in {len(chosen)} layer{'s' * (len(chosen) != 1)}: {named}{more}"

    def details(self) -> dict[str, Any]:
        """Return what the class rests on as plain data."""
        return {
            "baseline_builds": self.baseline_builds,
            "fingerprints": list(self.fingerprints),
            "layers": [
                {
                    "name": layer.name,
                    "changed": list(layer.changed),
                    "tactics": list(layer.tactics),
                    "types": list(layer.types),
                    "milliseconds": list(layer.milliseconds),
                }
                for layer in self.layers
            ],
        }


def cause_of(
    engine: BuiltEngine | None, baseline: Sequence[tuple[str, str]], layers_of: Callable[[str], Sequence[Layer]]
) -> Cause:
    """Return the cause class of a trial's engine against the engines of its baseline.

    Layers are compared with those of the baseline's engine that most runs are of, of several the newest.

    Args:
        engine: the trial's; None where it has none.
        baseline: build and fingerprint of each run of the baseline, the newest last; ``""`` where they are not known.
        layers_of: the layers of a build, asked for where its tactics are others.
    """
    known = [run for run in baseline if run[0]]
    builds = len(set(known))
    if engine is None or not known:
        return Cause(name="unknown", baseline_builds=builds)
    chosen = engine.fingerprint
    if any(build == engine.build for build, _ in known):
        return Cause(name="same engine", baseline_builds=builds, fingerprints=(chosen, chosen))
    if any(fingerprint == chosen for _, fingerprint in known):
        return Cause(name="rebuilt, same tactics", baseline_builds=builds, fingerprints=(chosen, chosen))
    # Counters keep the order in which they met what is equally common.
    ((build, fingerprint), _), *_ = Counter(reversed(known)).most_common(1)
    return Cause(
        name="other tactics",
        layers=changed_layers(layers_of(build), engine.layers),
        baseline_builds=builds,
        fingerprints=(fingerprint, chosen),
    )


def changed_layers(before: Sequence[Layer], after: Sequence[Layer]) -> tuple[LayerChange, ...]:
    """Return the layers whose tactic, type or time is another, or which only one engine has.

    The largest change of time comes first; where no time is known, layers come in the engine's order. An engine whose
    layers are not listed has nothing to be compared.
    """
    if not before or not after:
        return ()
    least = _ENGINE_SHARE * max(_total(before), _total(after))
    changes = [change for pair in _paired(before, after) if (change := _change(*pair, least)) is not None]
    return tuple(sorted(changes, key=lambda change: -abs(change.slower_by or 0.0)))


def _paired(before: Sequence[Layer], after: Sequence[Layer]) -> list[tuple[Layer | None, Layer | None]]:
    waiting = dict(enumerate(before))
    pairs: list[tuple[Layer | None, Layer | None]] = []
    alone: list[Layer] = []
    by_outputs = _places(before, lambda layer: tuple(sorted(layer.outputs)))
    for layer in after:
        places = by_outputs.get(tuple(sorted(layer.outputs)), []) if layer.outputs else []
        if places:
            pairs.append((waiting.pop(places.pop(0)), layer))
        else:
            alone.append(layer)
    by_name = _places(waiting.values(), lambda layer: layer.name, waiting)
    for layer in alone:
        places = by_name.get(layer.name, [])
        pairs.append((waiting.pop(places.pop(0)), layer) if places else (None, layer))
    return [*pairs, *((layer, None) for layer in waiting.values())]


def _places(layers: Iterable[Layer], key: Any, places: Iterable[int] | None = None) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for place, layer in zip(places, layers, strict=True) if places is not None else enumerate(layers):
        found.setdefault(key(layer), []).append(place)
    return found


def _change(before: Layer | None, after: Layer | None, least: float) -> LayerChange | None:
    if before is None or after is None:
        layer = after or before
        assert layer is not None, "a pair has at least one layer"
        is_new = before is None
        return LayerChange(
            name=layer.name,
            changed=("new" if is_new else "gone",),
            tactics=("", layer.tactic) if is_new else (layer.tactic, ""),
            types=("", layer.compute_type) if is_new else (layer.compute_type, ""),
            milliseconds=(None, layer.milliseconds) if is_new else (layer.milliseconds, None),
        )
    changed: list[Changed] = []
    if before.tactic != after.tactic:
        changed.append("tactic")
    if before.compute_type != after.compute_type:
        changed.append("type")
    times = before.milliseconds, after.milliseconds
    if times[0] is not None and times[1] is not None and abs(times[1] - times[0]) > max(_OWN_SHARE * times[0], least):
        changed.append("time")
    if not changed:
        return None
    return LayerChange(
        name=after.name,
        changed=tuple(changed),
        tactics=(before.tactic, after.tactic),
        types=(before.compute_type, after.compute_type),
        milliseconds=times,
    )


def _total(layers: Iterable[Layer]) -> float:
    return sum(layer.milliseconds or 0.0 for layer in layers)


def _or_none(compute_type: str) -> str:
    return compute_type or "no number type"
