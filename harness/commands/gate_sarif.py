"""The gate's answer as SARIF 2.1.0, which code scanning shows beside the code.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html, and what GitHub reads of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import harness
from harness.commands.output import plain as plain_data
from harness.history.records import stable_hash
from reports.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.commands.gate import Assessment, Concern, Word
    from harness.commands.gate_sources import Sources

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_RULES: dict[Word, str] = {
    "regressed": "A metric is worse than its baseline, by at least its smallest effect, confirmed in fresh processes.",
    "failed": "A stage of a case failed: its engine is not what was demanded, or there is none.",
    "missing": "A case or a measurement that was there before is not there any more.",
    "inconclusive": "One trial shows a change, and further ones do not confirm it or disagree.",
    "insufficient": "The baseline has too few good runs to judge by.",
    "quarantined": "A metric is worse than its baseline, which somebody accepted for a time.",
}
_LONGEST = 2000


def gate_sarif(assessment: Assessment, sources: Sources) -> dict[str, Any]:
    """Return a session's concerns as a SARIF log, plain data: one result each, at the record of its model.

    Baselines that are too short want more runs and no change of code, so they are one notification of the run, and
    results only where the gate was asked to count them. What blocks has the level ``error``.

    Args:
        assessment: the gate's.
        sources: the file that holds the models.
    """
    rules = list(_RULES)
    told = [
        c for c in assessment.concerns if c.word in rules and (c.word != "insufficient" or assessment.decides(c.word))
    ]
    run = {
        "tool": {
            "driver": {
                "name": "trt-harness",
                "version": harness.__version__,
                "rules": [
                    {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
                    for rule, text in _RULES.items()
                ],
            }
        },
        "automationDetails": {"id": f"trt-harness/{'+'.join(assessment.session.machines)}/"},
        "invocations": [_invocation(assessment)],
        "results": [_result(concern, assessment, sources, rules) for concern in told],
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(assessment: Assessment) -> dict[str, Any]:
    session = assessment.session
    notes = [
        {"level": "error", "message": {"text": concern.reason}}
        for concern in assessment.concerns
        if concern.word == "unfinished"
    ]
    if not session.cases:
        notes.append({"level": "error", "message": {"text": assessment.headline}})
    if young := assessment.words.get("insufficient"):
        notes.append({"level": "note", "message": {"text": f"{young} series have baselines too short to judge by"}})
    return {
        "executionSuccessful": session.status == "finished",
        "exitCode": assessment.exit_code,
        "exitCodeDescription": assessment.headline,
        "toolExecutionNotifications": notes,
    }


def _result(concern: Concern, assessment: Assessment, sources: Sources, rules: Sequence[str]) -> dict[str, Any]:
    what = " ".join(part for part in (concern.case, concern.what) if part)
    also = "".join(f"\nalso {line}" for line in concern.also)
    result: dict[str, Any] = {
        "ruleId": concern.word,
        "ruleIndex": rules.index(concern.word),
        "level": "error" if assessment.decides(concern.word) else "warning",
        "message": {"text": plain(f"{what or concern.word}: {concern.reason}{also}", _LONGEST)},
        # Without one of ours GitHub hashes the line, and takes all concerns of a model for one.
        "partialFingerprints": {
            "primaryLocationLineHash": stable_hash([concern.word, concern.case, concern.what]),
        },
    }
    # A file that is not in the checkout is no location; code scanning then has nothing to point at.
    logical = [{"fullyQualifiedName": plain(what), "kind": "resource"}]
    location: dict[str, Any] = {"logicalLocations": logical}
    if sources.file:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(sources.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": sources.line_of(concern.model)},
        }
    result["locations"] = [location]
    if concern.record is not None:
        result["properties"] = plain_data(
            {
                **{
                    name: getattr(concern.record.verdict, name)
                    for name in ("effect", "low", "high", "p", "n", "detectable")
                },
                "q": concern.q,
                "cause": concern.record.cause,
            }
        )
    return result
