"""The gate's answer as JUnit XML: one test case for each series, which GitLab, Jenkins and others show by themselves.

After the schema of the Ant task (windyroad/JUnit-Schema) and that of Jenkins (jenkinsci/xunit-plugin, junit-10), which
agree on what is used here. What blocks is a failure, what could not be judged and does not block is skipped.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.commands.gate import series_title, word_of
from reports.text import plain

if TYPE_CHECKING:
    from harness.commands.gate import Assessment
    from harness.history.records import VerdictRecord

# The characters that XML 1.0 has (https://www.w3.org/TR/xml/#charsets); the writer writes the others, too.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 4000

Outcome = Literal["passed", "failure", "error", "skipped"]


def gate_junit(assessment: Assessment) -> str:
    """Return the verdicts of a session as a JUnit document.

    Every series is a test case of the class that its case is; failed stages, missing cases and a session that did not
    finish are test cases, too. Times are 0: how long a series took is not a thing.
    """
    session = assessment.session
    suite = Element("testsuite", {"name": "trt-harness gate", "package": "trt-harness", "id": "0"})
    properties = SubElement(suite, "properties")
    facts = {"session": session.id, "commit": session.commit or "", "headline": assessment.headline}
    for name, value in facts.items():
        SubElement(properties, "property", {"name": name, "value": _text(value)})
    outcomes: Counter[Outcome] = Counter()
    for case in session.cases:
        for record in case.verdicts:
            outcomes[_series(suite, case.id, record, assessment)] += 1
    for concern in assessment.concerns:
        if concern.record is None:
            decides = assessment.decides(concern.word)
            outcome: Outcome = ("failure" if concern.word == "failed" else "error") if decides else "skipped"
            named = _test_case(suite, concern.case or "session", concern.what or concern.word)
            _tell(named, outcome, concern.word, concern.reason)
            outcomes[outcome] += 1
    if assessment.exit_code and not outcomes["failure"] + outcomes["error"]:
        # Whoever reads this file and no exit code must not take it for green.
        _tell(_test_case(suite, "session", "cases"), "error", "unusable", assessment.headline)
        outcomes["error"] += 1
    for stream in ("system-out", "system-err"):
        SubElement(suite, stream)
    started = f"{session.started_at:%Y-%m-%dT%H:%M:%S}" if session.started_at else "1970-01-01T00:00:00"
    suite.attrib |= {
        "timestamp": started,
        "hostname": _text(", ".join(session.machines)) or "localhost",
        "tests": str(sum(outcomes.values())),
        "failures": str(outcomes["failure"]),
        "errors": str(outcomes["error"]),
        "skipped": str(outcomes["skipped"]),
        "time": "0",
    }
    document = Element("testsuites")
    document.append(suite)
    indent(document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(document, encoding="unicode")}\n'


def _series(suite: Element, case: str, record: VerdictRecord, assessment: Assessment) -> Outcome:
    named = _test_case(suite, case, series_title(record))
    word = word_of(record)
    if record.verdict.status in ("pass", "improved"):
        return "passed"
    outcome: Outcome = "failure" if word is not None and assessment.decides(word) else "skipped"
    cause = f"\ncause: {record.cause}" if record.cause else ""
    _tell(named, outcome, record.verdict.status, record.verdict.reason + cause)
    return outcome


def _test_case(suite: Element, case: str, name: str) -> Element:
    return SubElement(
        suite,
        "testcase",
        {"classname": " ".join(_text(case).split()), "name": " ".join(_text(name).split()), "time": "0"},
    )


def _tell(test_case: Element, outcome: Outcome, word: str, reason: str) -> None:
    text = _text(reason)
    # The Ant schema knows no type of what was skipped.
    kind = {} if outcome == "skipped" else {"type": word}
    told = SubElement(test_case, outcome, {**kind, "message": f"{word}: {text}".split("\n", 1)[0]})
    told.text = text


def _text(text: str) -> str:
    return _NOT_XML.sub("", plain(text, _LONGEST))
