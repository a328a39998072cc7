"""What ``trt-harness doctor`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from harness.commands.doctor_tolerances import MEASURED_BY

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.commands.doctor import Diagnosis

_WIDTH = 18
_TYPES = {"fp16": "float16", "bf16": "bfloat16"}
_EMULATED = ", for its numbers only: it is computed in float32, so it is no faster"


def doctor_text(diagnosis: Diagnosis) -> list[RenderableType]:
    """Return what is printed of a diagnosis: the facts by section, what is wrong, and the answer."""
    facts = diagnosis.facts
    software, machine, target, cache = (facts[name] for name in ("software", "machine", "target", "cache"))
    installed = [f"{name} {number}" for name, number in software["packages"].items() if number]
    missing = [name for name, number in software["packages"].items() if not number]
    shown: list[RenderableType] = [
        Text("software", style="bold"),
        _line("trt-harness", software["trt-harness"]),
        _line("python", f"{software['python']} ({software['interpreter']})"),
        _line("packages", ", ".join(installed)),
        _line("not installed", ", ".join(missing) or "-"),
        Text("\nmachine", style="bold"),
        _line("processor", f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"),
        _line("system", f"{machine['system']} {machine['kernel']} ({machine['architecture']})"),
        _line("governor", machine["governor"] or "not readable"),
        _line("load", machine.get("load", "not readable")),
        *_gpus(target),
        _line("target", target["target"] or "none: see below"),
        Text("\nsubjects", style="bold"),
        *(_subject(name, answers) for name, answers in facts["subjects"].items()),
        Text("\nsuites", style="bold"),
        _line("catalogue", f"{facts['catalogue']['reference']}: {_models(facts['catalogue']['models'])}"),
        _line("history", _history(facts["history"])),
        _line("tolerances", _tolerances(facts["tolerances"])),
        _line("cache", f"{cache['folder']}: {cache['files']} files, {_size(cache['bytes'])}"),
    ]
    if diagnosis.problems:
        shown.append(Text("\nproblems", style="bold"))
    for problem in diagnosis.problems:
        mark, style = ("✗", "bold red") if problem.blocking else ("!", "yellow")
        shown.append(Text.assemble((f"  {mark} ", style), problem.text))
    if diagnosis.can_run:
        shown.append(Text("\nsuites can be run here: pytest suites/", style="bold green"))
    else:
        shown.append(Text("\nsuites cannot be run here until what is marked ✗ is mended", style="bold red"))
    return shown


def doctor_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as plain data, to be printed as JSON."""
    return {"can_run": diagnosis.can_run, "problems": diagnosis.problems, **diagnosis.facts}


def _line(name: str, value: object) -> str:
    return f"  {name:<{_WIDTH}}{value}"


def _subject(name: str, answers: dict[str, Any] | None) -> RenderableType:
    if answers is None:
        return _line(name, "does not answer: see below")
    libraries = ", ".join(f"{key} {value}" for key, value in answers["libraries"].items())
    lines = [_line(name, f"{answers['runtime']} {answers['version']} ({libraries}), Python {answers['python']}")]
    for recipe, reason in answers["precisions"].items():
        emulated = _TYPES.get(recipe) in answers["emulated"]
        lines.append(_line(f"  {recipe}", f"no: {reason}" if reason else f"yes{_EMULATED if emulated else ''}"))
    return "\n".join(lines)


def _gpus(target: dict[str, Any]) -> list[RenderableType]:
    """Return what is known of GPUs and what uses them; one line where neither a GPU nor a driver is seen."""
    if not target["gpu_seen"]:
        return [_line("GPUs", "none: neither an NVIDIA GPU nor its driver is seen here")]
    return [
        _line("GPUs", ", ".join(target["gpus"]) or "none"),
        _line("driver", target["driver"] or "none"),
        _line("TensorRT", target["tensorrt"] or "not installed"),
        _line("CUDA provider", _cuda_provider(target.get("cuda_provider"))),
    ]


def _cuda_provider(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not looked for: see below"
    libraries = ", ".join(f"{key} {value}" for key, value in found["libraries"].items() if key != "provider")
    return f"no: {found['reason']}" if found["reason"] else f"onnxruntime {found['version']} ({libraries})"


def _models(names: list[str] | None) -> str:
    return "none: see below" if names is None else f"{len(names)} models"


def _history(facts: dict[str, Any]) -> str:
    if not facts["exists"]:
        return f"{facts['location']}: none yet; the first session makes it"
    size = "" if facts["bytes"] is None else f", {_size(facts['bytes'])}"
    return f"{facts['location']}: {facts['sessions']} sessions{size}"


def _tolerances(facts: dict[str, Any]) -> str:
    if not facts:
        return "not looked at: see below"
    if not facts["measured"]:
        return f"their floors were never measured: {MEASURED_BY}"
    left = len(facts["unmeasured"])
    others = f"; {left} models were not: {MEASURED_BY} --models {','.join(facts['unmeasured'])}" if left else ""
    return f"floors measured of {len(facts['measured'])} models, faults planted in {len(facts['checked'])}{others}"


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
