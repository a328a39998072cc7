"""Which invariances are asked of a case, what is needed to judge them, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.cases import INVARIANCES, Point, specs_from_json
from harness.cases.invariance import UNUSUAL, exempt_under
from harness.errors import ConfigurationError, RuntimeFailure, WorkerError, unknown_value
from harness.history.records import MeasurementRecord, stable_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from harness.cases import Case, Profile
    from harness.reference import Ask
    from harness.workbench import Workbench

# Recipes whose number types a builder chooses: there is no graph that the CPU could be asked.
_MADE_IN_THE_BUILDER = ("fp16-flags", "int8-calibrator")
# What a quick session asks for: each of the others is answered by one of these in most models.
QUICK = ("zero", "huge", "nan")
# Counted up when graphs are asked otherwise, so that answers in the cache are not taken for those of today.
_ANSWERS = 2


@dataclass(frozen=True, kw_only=True)
class InvariancePlan:
    """What is asked of a case, and what is not.

    Attributes:
        checks: the arguments of each check, by invariance; see harness.workers.invariances.
        left_out: why an invariance is not asked for, by its name.
    """

    checks: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]

    @property
    def items_left_out(self) -> list[dict[str, str]]:
        """What is not asked for, as a worker would answer it."""
        return [{"name": n, "outcome": "left out", "sentence": reason} for n, reason in self.left_out.items()]

    @property
    def unusual(self) -> tuple[str, ...]:
        """The kinds of unusual input that are asked for."""
        return tuple(name for name in self.checks if name in UNUSUAL)


def plan_invariances(
    case: Case, graph: Mapping[str, Any], shared: Path, *, runtime: str, unusual: Collection[str] = UNUSUAL
) -> InvariancePlan:
    """Say which invariances are asked of ``case``.

    Args:
        case: its model says what is padded and what it is exempt from.
        graph: the description of its graph, as plain data; see harness.graphs.prepare.PreparedGraph.
        shared: a folder that all profiles of one model, precision and subject have in common.
        runtime: what runs it.
        unusual: the kinds of unusual input that there is time for.

    Raises:
        ConfigurationError: the model declares a padding that its graph does not have.
    """
    asked: dict[str, Mapping[str, Any] | str] = {
        "rows": _rows(case),
        "padding": _padding(case, graph),
        "profiles": _profiles(case, shared),
        "repeats": {},
        "contexts": {},
        **{kind: _unusual(case, graph, kind, unusual) for kind in UNUSUAL},
        **{name: f"the model is exempt: {reason}" for name, reason in exempt_under(runtime, case.model.exempt).items()},
    }
    return InvariancePlan(
        checks={name: asked[name] for name in INVARIANCES if not isinstance(asked[name], str)},  # type: ignore[misc]
        left_out={name: reason for name in INVARIANCES if isinstance(reason := asked[name], str)},
    )


def with_answers(
    plan: InvariancePlan, workbench: Workbench, ask: Ask, graph: Mapping[str, Any], request: Mapping[str, Any]
) -> InvariancePlan:
    """Compute what the CPU makes of the unusual inputs, or find it in the cache, and say in the plan where it is.

    Where the CPU cannot run the graph of the recipe, they are left out: no answer to them is known.

    Args:
        plan: what is asked.
        workbench: has the worker and the cache.
        ask: how workers are asked.
        graph: the description of the graph in its precision, and of the FP32 graph.
        request: see harness.workers.invariances.unusual_outputs.
    """
    if not plan.unusual:
        return plan
    cpu = workbench.reference()
    versions = ask(cpu, "versions")
    folders = {}
    for whose, path, content in (("reference", "fp32_path", "fp32_hash"), ("oracle", "path", "hash")):
        home = workbench.cache / "unusual" / stable_hash([graph[content], dict(request), versions, _ANSWERS])[:24]
        folders[whose] = {kind: str(home / kind) for kind in plan.unusual}
        try:
            ask(cpu, "unusual_outputs", graph=graph[path], request=dict(request), folders=folders[whose])
        except (RuntimeFailure, WorkerError) as failure:
            why = f"the CPU cannot say what to expect: {str(failure).splitlines()[0]}"
            return replace(
                plan,
                checks={name: plan.checks[name] for name in plan.checks if name not in UNUSUAL},
                left_out={**plan.left_out, **dict.fromkeys(plan.unusual, why)},
            )
    answers = {kind: {whose: of_kind[kind] for whose, of_kind in folders.items()} for kind in plan.unusual}
    return replace(plan, checks={name: {**plan.checks[name], **answers.get(name, {})} for name in plan.checks})


def shared_point(profile: Profile, other: Profile) -> Point | None:
    """Return the smallest point that engines of both profiles can be run at, or None where there is none."""
    if profile.axes.keys() != other.axes.keys():
        return None
    sizes = {symbol: max(profile.axes[symbol].min, other.axes[symbol].min) for symbol in profile.axes}
    fits = all(size <= min(profile.axes[s].max, other.axes[s].max) for s, size in sizes.items())
    return Point.of(sizes) if fits else None


def failures(items: Sequence[Mapping[str, str]]) -> list[str]:
    """Return a line for each invariance that is broken."""
    return [f"{item['name']}: {item['sentence']}" for item in items if item["outcome"] == "failed"]


def summary(items: Sequence[Mapping[str, str]]) -> str:
    """Return in one line what holds, what was recorded, and what was left out and why."""
    held = [item["name"] for item in items if item["outcome"] == "passed"]
    others = [
        f"{i['outcome']} {i['name']} ({i['sentence']})" for i in items if i["outcome"] in ("recorded", "left out")
    ]
    return "; ".join([f"holds: {', '.join(held) or 'none'}", *others])


def invariance_measurements(answer: Mapping[str, Any], case: Case) -> list[MeasurementRecord]:
    """Return what was recorded, at the smallest point of the profile."""
    point = case.profile.smallest.label
    return [MeasurementRecord(metric=name, point=point, value=value) for name, value in answer["metrics"].items()]


def _rows(case: Case) -> Mapping[str, Any] | str:
    axis = case.model.batch_axis
    allowed = case.profile.axes.get(axis) if axis else None
    if axis is None or allowed is None or allowed.min > 1 or allowed.max < 2:
        return "the profile has no batch axis that takes both 1 and more"
    sizes = dict(case.profile.corner("opt").sizes)
    return {"sizes": sizes, "axis": axis, "size": min(allowed.max, max(allowed.opt, 2))}


def _padding(case: Case, graph: Mapping[str, Any]) -> Mapping[str, Any] | str:
    padding = case.model.padding
    if padding is None:
        return "the model declares no padding"
    specs = {spec.name: spec for spec in specs_from_json(graph["inputs"])}
    if padding.mask not in specs:
        raise ConfigurationError(f"the padding of {case.model.name!r}: {unknown_value('input', padding.mask, specs)}")
    if padding.axis not in specs[padding.mask].symbols:
        raise ConfigurationError(
            f"the padding of {case.model.name!r}: "
            f"{unknown_value(f'free dimension of {padding.mask!r}', padding.axis, specs[padding.mask].symbols)}"
        )
    allowed = case.profile.axes[padding.axis]
    short = case.profile.smallest.size(padding.axis)
    if allowed.max <= short:
        return f"the profile takes no {padding.axis} longer than {short}"
    return {**padding.to_json(), "size": min(allowed.max, 2 * short)}


def _profiles(case: Case, shared: Path) -> Mapping[str, Any] | str:
    for other in case.model.profiles:
        point = shared_point(case.profile, other) if other.name != case.profile.name else None
        if point is not None:
            folder = shared / point.label
            return {
                "sizes": dict(point.sizes),
                "own": str(folder / case.profile.name),
                "others": {other.name: str(folder / other.name)},
            }
    return "the model has no other profile with a point in common"


def _unusual(case: Case, graph: Mapping[str, Any], kind: str, wanted: Collection[str]) -> Mapping[str, Any] | str:
    if not any(spec.dtype.startswith("float") for spec in specs_from_json(graph["inputs"])):
        return "no input holds floats"
    if case.precision.recipe in _MADE_IN_THE_BUILDER and kind not in ("zero", "constant", "denormal"):
        return "the builder makes the precision: no graph says what it does to such numbers"
    if kind not in wanted:
        return "a quick session does not ask for it"
    return {"kind": kind}
