"""The operator suite in pytest: an item for each operator case, precision and subject, where it is asked for."""

from __future__ import annotations

import base64
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.cases.operator import OperatorCase
    from harness.operator_bench import OperatorBench
    from harness.operators.library import OperatorLibrary
    from harness.plugin_session import PluginSession
    from harness.settings import Settings
    from harness.workers.subject import Subject

MARKER = "operators"
FIXTURE = "operator_case"
_ASKED = re.compile(rf"\b{MARKER}\b")
_Parameters = tuple["OperatorCase", str, "Subject"]


class OperatorItem:
    """What the suite's test sees of its case.

    Args:
        findings: outcome and message by stage.
        called: what the case is called in messages.
        reproduce: the command that runs it again.
    """

    def __init__(self, findings: dict[str, tuple[str, str]], called: str, reproduce: str) -> None:
        self._findings, self._called, self._reproduce = findings, called, reproduce

    def check(self) -> None:
        """Demand that the operator computes what it should; else end the test as failed, or as skipped if refused."""
        failed = [message for outcome, message in self._findings.values() if outcome == "failed"]
        if failed:
            pytest.fail("\n".join([f"{self._called}: {failed[0]}", *failed[1:], self._reproduce]), pytrace=False)
        skipped = [message for outcome, message in self._findings.values() if outcome == "skipped"]
        if skipped:
            pytest.skip(skipped[0])


class OperatorSuite:
    """Hooks and fixture of the operator suite, registered as a plugin of their own.

    Args:
        session_of: the session of this process.
        settings_of: the settings in force.
        refuse: notes the sentence that the run ends with.
        finished: where records go to be sent with the report of their item.
    """

    def __init__(
        self,
        session_of: Callable[[pytest.Config], PluginSession],
        settings_of: Callable[[pytest.Config], Settings],
        refuse: Callable[[pytest.Config, str], None],
        finished: list[str],
    ) -> None:
        self._session_of, self._settings_of, self._refuse, self._finished = session_of, settings_of, refuse, finished
        self._library: OperatorLibrary | None = None
        self._bench: OperatorBench | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make the items; where nobody asks for the suite a single one, which is then deselected, and no case."""
        if FIXTURE not in metafunc.fixturenames:
            return
        if not is_asked_for(metafunc.config, Path(metafunc.definition.path)):
            metafunc.parametrize(FIXTURE, [pytest.param(None, id="run with -m operators")], indirect=True)
            return
        try:
            parameters = self._parameters(metafunc.config)
        except UsageError as error:
            self._refuse(metafunc.config, str(error))
            parameters = []
        metafunc.parametrize(
            FIXTURE,
            [pytest.param(each, id=item_id(*each)) for each in parameters],
            indirect=True,
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what stands for a suite that nobody asked for."""
        standing_in = [item for item in items if _parameters_of(item) == (None,)]
        if standing_in:
            config.hook.pytest_deselected(items=standing_in)
            items[:] = [item for item in items if item not in standing_in]

    @pytest.fixture
    def operator_case(self, request: pytest.FixtureRequest) -> Iterator[OperatorItem]:
        """One operator case in one precision under one subject, run in the worker that its subject has."""
        from harness.operator_bench import OperatorBench, history_case

        case, precision, subject = request.param
        session = self._session_of(request.config)
        assert self._library is not None, "the items were made of it"
        called = item_id(case, precision, subject)
        # Without the subject, whose sign no expression of -k takes.
        again = f"reproduce: pytest suites/ -m {MARKER} -k '[{case.name}-{precision}'"
        recorded = session.recorded_findings(history_case(case, precision, self._library).id, subject.name)
        if recorded:
            yield OperatorItem(recorded, called, again)
            return
        self._bench = self._bench or OperatorBench(session.surroundings, self._library)
        trial = self._bench.run(case, precision, subject)
        self._finished.append(base64.b64encode(pickle.dumps(trial)).decode())
        yield OperatorItem({f.stage: (f.outcome, f.message) for f in trial.findings}, called, again)

    def _parameters(self, config: pytest.Config) -> list[_Parameters]:
        from harness.cases.operator import chosen_precisions
        from harness.opening import check_writable
        from harness.operators.library import OperatorLibrary
        from harness.subjects import subjects_of

        settings = self._settings_of(config)
        precisions = chosen_precisions(settings.precisions)
        cache = config.rootpath / settings.cache
        check_writable(cache, "cache")
        self._library = self._library or OperatorLibrary.below(cache)
        session = self._session_of(config)
        subjects = subjects_of(settings, session.choice.target, session.gpu)
        return [
            (case, precision, subject)
            for case in self._library.cases
            for precision in precisions
            if precision in case.precisions
            for subject in subjects
        ]


def item_id(case: OperatorCase, precision: str, subject: Subject) -> str:
    """Return what stands in the brackets of an item: ``conv_with_strides_padding-fp16``, ``…@subject`` if named."""
    return f"{case.name}-{precision}" if subject.name == subject.runtime else f"{case.name}-{precision}@{subject.name}"


def is_asked_for(config: pytest.Config, file: Path) -> bool:
    """Tell whether the command line asks for the suite in ``file``: by its marker or by the file itself."""
    if _ASKED.search(config.getoption("markexpr", default="") or ""):
        return True
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args)
    return any(path.resolve() == file.resolve() for path in named)


def _parameters_of(item: pytest.Item) -> tuple[object, ...]:
    """Return the parameter of the suite's fixture, in a tuple; an empty one for any other item."""
    callspec = getattr(item, "callspec", None)
    return (callspec.params[FIXTURE],) if callspec is not None and FIXTURE in callspec.params else ()
