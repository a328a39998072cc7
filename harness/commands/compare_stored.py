"""Two parts of the history: what both have, held against each other by the gate's method."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from harness.cases import metric_named
from harness.commands.compare_reading import Ending, Part, Place, SeriesKey, read_part
from harness.commands.compare_result import Compared, ComparedSeries, ComparisonResult, Problem, settle
from harness.errors import ConfigurationError
from harness.verdicts.gate import judge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from harness.commands.compare_result import Which
    from harness.commands.compare_sides import StoredSide
    from harness.history.queries import Queries
    from harness.verdicts.gate import Verdict

T = TypeVar("T")
Sides = tuple["StoredSide", "StoredSide"]
Parts = tuple[Part, Part]

# From so many sessions on there is one value of each: trials of one session share what the machine was like.
_ENOUGH_SESSIONS = 8


def compare_stored(sides: Sides, queries: Queries, *, metrics: Collection[str], last: int) -> ComparisonResult:
    """Compare what two parts of the history have in common.

    A's values are the gate's baseline and B's its trials: the median of each session where A has eight of them and
    more, else every trial, and of either the newest ``last`` only. Timings are compared with those of the same pace. In
    two environments nothing is judged: one machine is no regression of another.

    Args:
        sides: A, which B is held against, and B.
        queries: of the history.
        metrics: what to compare, by name.
        last: how many values at most.

    Raises:
        ConfigurationError: a side is empty; or no subject or no environment is in both, and one of them has several.
    """
    a, b = (read_part(queries, side, metrics) for side in sides)
    return compare_parts(sides, (a, b), last=last)


def compare_parts(sides: Sides, parts: Parts, *, last: int) -> ComparisonResult:
    """Compare what was read of two sides; see ``compare_stored``."""
    for side, part in zip(sides, parts, strict=True):
        if not part.endings:
            raise ConfigurationError(f"the {side.kind} {side.name} has no trial in the history")
    pairing = _Pairing.of(sides, parts)
    left, right = (pairing.series_of(part) for part in parts)
    ended = (pairing.endings_of(parts[0]), pairing.endings_of(parts[1]))
    labels = _labels(left, {key: found.name for key, found in parts[0].environments.items()})
    series = [
        ComparedSeries(
            case=labels[key],
            metric=key.metric,
            point=key.point,
            verdict=verdict,
            word=None if pairing.across_environments else verdict.status,
        )
        for key, verdict in _verdicts(left, right, ended[1], last)
    ]
    a, b = (
        Compared(
            name=side.name,
            software=", ".join(part.software),
            environments=tuple(found.name for found in part.environments.values()),
        )
        for side, part in zip(sides, parts, strict=True)
    )
    return ComparisonResult(
        a=a,
        b=b,
        way="stored",
        evidence=_evidence(sides, parts, across_environments=pairing.across_environments),
        series=settle(series),
        problems=(*_problems("a", *ended), *_problems("b", *reversed(ended))),
    )


@dataclass(frozen=True)
class _Pairing:
    """Whether subjects, and environments, are paired by their names or, there being one on either side, regardless."""

    across_subjects: bool
    across_environments: bool

    @classmethod
    def of(cls, sides: Sides, parts: Parts) -> _Pairing:
        subjects = [{place.subject: place.subject for place in part.endings} for part in parts]
        machines = [{key: found.name for key, found in part.environments.items()} for part in parts]
        return cls(
            sides[0].kind == "subject" or _each_has_its_own(sides, subjects, "subject"),
            _each_has_its_own(sides, machines, "environment"),
        )

    def series_of(self, part: Part) -> dict[SeriesKey, dict[str, list[float]]]:
        return {key._replace(place=self._place(key.place)): runs for key, runs in part.values.items()}

    def endings_of(self, part: Part) -> dict[Place, Ending | None]:
        return {self._place(place): ending for place, ending in part.endings.items()}

    def _place(self, place: Place) -> Place:
        if self.across_subjects:
            place = place._replace(subject="")
        return place._replace(environment="") if self.across_environments else place


def _each_has_its_own(sides: Sides, names: list[dict[str, str]], what: str) -> bool:
    """Return whether the only subject or environment of A is held against another one, the only one of B.

    Args:
        sides: to be named in an error.
        names: by key, of A and of B.
        what: ``subject`` or ``environment``.

    Raises:
        ConfigurationError: none is in both, and one of the two has several.
    """
    if names[0].keys() & names[1].keys():
        return False
    if all(len(own) == 1 for own in names):
        return True
    listed = [f"{side.name} has {', '.join(own.values())}" for side, own in zip(sides, names, strict=True)]
    prefix = "gpu" if what == "environment" else what
    raise ConfigurationError(
        f"no {what} is in both: {'; '.join(listed)}. Compare two {what}s instead: {prefix}:NAME {prefix}:NAME"
    )


def _verdicts(
    left: Mapping[SeriesKey, dict[str, list[float]]],
    right: Mapping[SeriesKey, dict[str, list[float]]],
    ended: Collection[Place],
    last: int,
) -> Iterator[tuple[SeriesKey, Verdict]]:
    """Judge each series of A: what B has of it, or that B has run the case and does not have it at any pace."""
    there = {(key.place, key.metric, key.point) for key in left.keys() & right.keys()}
    told = set()
    for key, runs in left.items():
        measured = (key.place, key.metric, key.point)
        if key in right:
            yield key, _judge(key.metric, runs, right[key], last)
        elif measured not in there and measured not in told and key.place in ended:
            told.add(measured)
            yield key, _judge(key.metric, runs, {}, last)


def _judge(metric_name: str, a: Mapping[str, list[float]], b: Mapping[str, list[float]], last: int) -> Verdict:
    metric = metric_named(metric_name)
    by_session = len(a) >= _ENOUGH_SESSIONS
    baseline, trials = (
        [median(values) for values in side.values()]
        if by_session
        else [value for values in side.values() for value in values]
        for side in (a, b)
    )
    return judge(
        baseline[-last:],
        trials[-last:],
        direction=metric.direction,
        smallest_effect=metric.smallest_effect,
        scale=metric.scale,
        resolution=metric.resolution,
        unit=metric.unit,
    )


def _labels(keys: Collection[SeriesKey], environments: Mapping[str, str]) -> dict[SeriesKey, str]:
    """Return what each series' case is called: its id, with what tells it from others of that id."""
    subjects, machines, paces = (defaultdict(set) for _ in range(3))
    for key in keys:
        subjects[key.place.case].add(key.place.subject)
        machines[key.place.case].add(key.place.environment)
        if key.pace:
            paces[key.place.case].add(key.pace)
    labels = {}
    for key in keys:
        case, subject, environment = key.place
        label = f"{case}@{subject}" if len(subjects[case]) > 1 else case
        label += f" ({key.pace})" if key.pace and len(paces[case]) > 1 else ""
        labels[key] = f"{label} on {environments[environment]}" if len(machines[case]) > 1 else label
    return labels


def _problems(
    side: Which, own: Mapping[Place, Ending | None], other: Mapping[Place, Ending | None]
) -> Iterator[Problem]:
    for where, ending in own.items():
        if ending is not None:
            yield Problem(
                case=where.case, side=side, reason=ending.reason, broken=ending.broken, hinders=not ending.broken
            )
    for where in other:
        if where not in own:
            yield Problem(case=where.case, side=side, reason="it was not run", broken=False)


def _evidence(sides: Sides, parts: Parts, *, across_environments: bool) -> str:
    said = (
        "Taken from the history and not run in turns: weaker evidence, since whatever else changed between the runs is "
        "in it."
    )
    if across_environments:
        a, b = (next(iter(part.environments.values())).identity for part in parts)
        facts = [f"{name} ({a.get(name)} and {b.get(name)})" for name in {**a, **b} if a.get(name) != b.get(name)]
        said += f" The machines differ in {', '.join(facts)}, so nothing is judged; the figures stand side by side."
    return said + "".join(f" {side.name}: {side.remark}." for side in sides if side.remark)
