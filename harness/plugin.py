"""The pytest plugin: options, the ``engine_case`` fixture, and what the terminal says."""

from __future__ import annotations

import base64
import pickle
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError, Unsupported, UsageError
from harness.plugin_deadline import Deadline, seconds_of
from harness.plugin_operators import FIXTURE, MARKER, OperatorSuite
from harness.setting_origins import check_filters
from harness.settings import Settings, load_catalogue, load_settings, pace_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from harness.plugin_session import PluginSession
    from harness.session import CaseRun

_SESSION = pytest.StashKey["PluginSession"]()
_SETTINGS = pytest.StashKey[Settings]()
_FINISHED = pytest.StashKey[list[str]]()
_REFUSAL = pytest.StashKey[str]()
_SESSION_ID = "trt_harness_session"
_REFUSED = "trt_harness_refused"
# Outcomes that are neither a pass nor a failure get a word of their own in pytest's progress and its last line.
_WORDS = {"insufficient": "i", "inconclusive": "?", "quarantined": "q", "unsupported": "u"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line."""
    group = parser.getgroup("trt-harness", "engines under test")
    add = group.addoption
    add("--gpu", metavar="TARGET", help="what to run on: auto, cpu, t4, l4, a10, a100, h100, h200, … (default: auto)")
    add("--models", metavar="A,B", help="run only these models, slow ones included")
    add("--precisions", metavar="P,Q", help="run only these precisions, e.g. fp16,int8")
    add("--profiles", metavar="P,Q", help="run only these shape profiles")
    add("--quick", action="store_true", dest="quick_pace", help="smallest shapes only, timed briefly")
    add("--full", action="store_true", dest="full_pace", help="slow models too, timed for longer")
    add("--db", metavar="URL", help="history database: a path or an SQLAlchemy URL (default: .trt-harness/history.db)")
    add("--cache", metavar="DIR", help="graphs, references, engines, kept for later (default: .trt-harness/cache)")
    add("--report", metavar="DIR", help="where the HTML report goes (default: build/report)")
    add("--subject", metavar="NAME=PYTHON", action="append", dest="subjects",
        help="run every case under this interpreter's runtime too; may be given several times")  # fmt: skip
    add("--build-option", metavar="NAME=VALUE", action="append", dest="build_options",
        help="set an option of every build, e.g. optimization_level=1; may be given several times")  # fmt: skip
    add("--reference", metavar="WHERE",
        help="what engines are held against: cpu (default), or cuda[:PYTHON], onnxruntime's CUDA provider, which is "
        "held against the CPU's first")  # fmt: skip
    add("--engines", metavar="HOW",
        help="auto: use an engine of an earlier session again where builds are slow, as TensorRT's are (default); "
        "reuse: use it again always; rebuild: build anew and keep that one")  # fmt: skip
    add("--builds", metavar="K", help="build and time K engines of each case (default: 1)")
    add("--baseline", metavar="NAME",
        help="compare with this baseline of `trt-harness baseline pin`, instead of the last good runs")  # fmt: skip
    add("--baseline-branch", metavar="BRANCH",
        help="compare with runs of what this checkout has in common with that branch only (default: the target branch "
        "that CI names, else runs of every branch count)")  # fmt: skip
    add("--case-timeout", metavar="S", help="seconds after which a step of a case is killed (default: 600)")
    add("--resume", metavar="ID", help="go on with an earlier session: what it recorded is not run again")
    add("--stop-after", metavar="S", help="begin nothing more after so many seconds; go on with --resume")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what finished cases leave behind, and for xdist where it is used."""
    if config.pluginmanager.has_plugin("xdist"):
        from harness.plugin_xdist import CaseScheduling

        config.pluginmanager.register(CaseScheduling(), "trt-harness-scheduling")
    config.stash[_FINISHED] = []
    config.addinivalue_line("markers", f"{MARKER}: ONNX's operator cases; they run only where they are asked for")
    suite = OperatorSuite(_session, settings_of, _note_refusal, config.stash[_FINISHED])
    config.pluginmanager.register(suite, "trt-harness-operators")
    if config.getoption("stop_after"):
        with _usage_errors():
            deadline = Deadline(seconds_of(config.getoption("stop_after")), lambda: _session(config).id)
        config.pluginmanager.register(deadline, "trt-harness-deadline")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker the session's id."""
    with _usage_errors():
        node.workerinput[_SESSION_ID] = _session(node.config).id


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """End the run where an xdist worker found that it cannot be done as asked."""
    refusal = getattr(node, "workeroutput", {}).get(_REFUSED)
    if refusal:
        raise pytest.UsageError(refusal)


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings in force.

    Raises:
        ConfigurationError: a setting does not exist or has a value that it cannot have.
    """
    if _SETTINGS not in config.stash:
        names = ("gpu", "models", "precisions", "profiles", "db", "cache", "report", "subjects", "case_timeout",
                 "resume", "build_options", "builds", "engines", "reference", "baseline",
                 "baseline_branch")  # fmt: skip
        overrides = {name: config.getoption(name) for name in names}
        overrides["pace"] = pace_of(quick=config.getoption("quick_pace"), full=config.getoption("full_pace"))
        settings = load_settings(config.rootpath, overrides)
        if settings.resume:
            from harness.opening import as_in_resumed_session

            given = {name for name, value in overrides.items() if value}
            settings = as_in_resumed_session(settings, config.rootpath, given)
        config.stash[_SETTINGS] = settings
    return config.stash[_SETTINGS]


def narrowing(config: pytest.Config) -> str:
    """Return the options of pytest's own that leave out cases on purpose; empty if there are none."""
    options = {"-k": "keyword", "-m": "markexpr", "--deselect": "deselect", "--lf": "lf", "--sw": "stepwise"}
    given = [option for option, name in options.items() if config.getoption(name, default=None)]
    return ", ".join([*given, *(argument for argument in config.args if "::" in argument)])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each case and subject out of every test that asks for ``engine_case``."""
    if "engine_case" not in metafunc.fixturenames:
        return
    from harness.cases import expand
    from harness.session import case_run_id
    from harness.subjects import subjects_of

    try:
        settings = settings_of(metafunc.config)
        catalogue = load_catalogue(settings.catalogue, metafunc.config.rootpath)
        check_filters(settings, catalogue)
        cases = expand(
            catalogue,
            models=settings.models,
            precisions=settings.precisions,
            profiles=settings.profiles,
            full=settings.pace == "full",
        )
        session = _session(metafunc.config)
        subjects = subjects_of(settings, session.choice.target, session.gpu)
    except UsageError as error:
        # Raised from here it would be one collection error among others; see pytest_collection_modifyitems.
        _note_refusal(metafunc.config, str(error))
        cases, subjects = [], ()
    parameters = [
        pytest.param((case, subject), id=case_run_id(case, subject)) for case in cases for subject in subjects
    ]
    # Session scope makes pytest run all tests of a case one after another, whatever files they are in.
    metafunc.parametrize("engine_case", parameters, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run where the cases could not be made."""
    if _REFUSAL in config.stash:
        _refuse(config, items)


class EngineCase:
    """What a suite's test sees of its case."""

    def __init__(self, run: CaseRun, recorded: dict[str, tuple[str, str]]) -> None:
        self.run = run
        self._recorded = recorded

    def check(self, stage: str) -> None:
        """Demand one stage (harness.session.STAGES): return on a pass, else end the test as failed or skipped."""
        from harness.session import CheckFailed, NotJudged
        from harness.steps import NotReached

        if self._recorded:
            _end(*self._recorded.get(stage, ("skipped", "not run in the session that is resumed")))
            return
        # Each message is complete, so pytest need not tell which exception it came from.
        outcome, message = "passed", ""
        try:
            self.run.check(stage)
        except (NotJudged, NotReached, Unsupported) as reason:
            outcome, message = "skipped", str(reason)
        except CheckFailed as failure:
            outcome, message = "failed", str(failure)
        except HarnessError as failure:
            outcome, message = "failed", f"{self.run.id}: {type(failure).__name__}: {failure}"
        _end(outcome, message)

    def latency_samples(self) -> Sequence[float]:
        """Return the host-to-host latencies (milliseconds) at the profile's opt point, or the first that was run.

        A case that an earlier session recorded is not timed again and has none.
        """
        if self._recorded:
            return ()
        samples = self.run.latency_samples()
        return samples.get(self.run.case.profile.corner("opt").label) or next(iter(samples.values()))


def _end(outcome: str, message: str) -> None:
    if outcome == "failed":
        pytest.fail(message, pytrace=False)
    if outcome == "skipped":
        pytest.skip(message)


@pytest.fixture(scope="session")
def engine_case(request: pytest.FixtureRequest) -> Iterator[EngineCase]:
    """One case of the catalogue under one subject; its stages share what they build."""
    from harness.session import CaseRun

    case, subject = request.param
    session = _session(request.config)
    run = CaseRun(case, subject, session.surroundings)
    recorded = session.recorded_findings(case.id, subject.name)
    yield EngineCase(run, recorded)
    if not recorded:
        request.config.stash[_FINISHED].extend(
            base64.b64encode(pickle.dumps(record)).decode() for record in run.records()
        )
    run.close()


class ReplayClock:
    """A clock that shows the sum of the samples so far, in seconds: it lets pytest-benchmark report them as its own.

    Args:
        milliseconds: the samples.
    """

    def __init__(self, milliseconds: Sequence[float]) -> None:
        self.now = 0.0
        self._pending = [sample / 1e3 for sample in reversed(milliseconds)]

    def __call__(self) -> float:
        """Return the time that it shows, in seconds."""
        return self.now

    def advance(self) -> None:
        """Let one sample pass; none are left after the last."""
        if self._pending:
            self.now += self._pending.pop()


@pytest.fixture
def latency_benchmark(request: pytest.FixtureRequest, engine_case: EngineCase) -> Any:
    """Return a function that hands samples (milliseconds) to pytest-benchmark, for its table and its JSON."""

    def replay(milliseconds: Sequence[float]) -> None:
        if milliseconds:
            clock = ReplayClock(milliseconds)
            request.node.add_marker(pytest.mark.benchmark(timer=clock, group=engine_case.run.case.model.name))
            # Asked for only now: pytest-benchmark objects to a fixture that a skipped test did not use.
            benchmark = request.getfixturevalue("benchmark")
            benchmark.pedantic(clock.advance, rounds=len(milliseconds), iterations=1, warmup_rounds=0)

    return replay


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Open what the cases need, once it is known that there are any and that they will be run."""
    if not _runs_cases(session.config, session.items):
        return
    try:
        _session(session.config).open()
    except UsageError as error:
        session.config.stash[_REFUSAL] = str(error)
        _refuse(session.config, session.items)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Say what the cases run on and where they are remembered."""
    if not _runs_cases(config, items):
        return []
    return _session(config).header()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Send finished trials along with the report of the item that finished them, across processes if need be."""
    report = yield
    finished = item.config.stash[_FINISHED]
    if call.when == "teardown" and finished:
        report.trt_harness_trials = list(finished)
        finished.clear()
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Give insufficient, inconclusive and quarantined a word of their own."""
    if report.skipped and isinstance(report.longrepr, tuple):
        word = report.longrepr[2].removeprefix("Skipped: ").partition(":")[0]
        if word in _WORDS:
            return word, _WORDS[word], (word.upper(), {"yellow": True})
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Become the writer, unless this is an xdist worker, whose controller is."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Writer(session.config), "trt-harness-writer")


class _Writer:
    """Writes what arrives with reports, and the HTML report at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._report: Path | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for text in getattr(report, "trt_harness_trials", ()):
            with _usage_errors():
                # From a worker of this very run, never from outside.
                _session(self._config).recorder.add(pickle.loads(base64.b64decode(text)))  # noqa: S301

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if _SESSION in self._config.stash:
            interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            with _usage_errors():
                self._report = _session(self._config).finish("interrupted" if interrupted else "finished")

    @pytest.hookimpl(trylast=True)  # below pytest-benchmark's table, which is wide
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if _SESSION in self._config.stash and (lines := _session(self._config).summary(self._report)):
            terminalreporter.section("trt-harness")
            for line in lines:
                terminalreporter.line(line)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers, also on an xdist worker and after Ctrl-C."""
    if _SESSION in config.stash:
        config.stash[_SESSION].close()


def _runs_cases(config: pytest.Config, items: Sequence[pytest.Item]) -> bool:
    """Tell whether cases are going to be run; pytest finishes a collection even where it was refused."""
    if config.option.collectonly or _REFUSAL in config.stash:
        return False
    return any({"engine_case", FIXTURE} & set(getattr(item, "fixturenames", ())) for item in items)


def _session(config: pytest.Config) -> PluginSession:
    if _SESSION not in config.stash:
        from harness.plugin_session import PluginSession

        settings = settings_of(config)
        given = getattr(config, "workerinput", {}).get(_SESSION_ID, "")
        config.stash[_SESSION] = PluginSession(
            settings,
            {**asdict(settings), "narrowed": narrowing(config)},
            config.rootpath,
            session_id=given,
            worker=getattr(config, "workerinput", {}).get("workerid", ""),
        )
    return config.stash[_SESSION]


def _note_refusal(config: pytest.Config, sentence: str) -> None:
    config.stash[_REFUSAL] = sentence


def _refuse(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run with the sentence that says why it cannot be done as asked: pytest's exit code for that is 4.

    An xdist worker's exceptions reach the user as tracebacks, so it leaves the sentence to its controller, and nothing
    to be run.
    """
    output = getattr(config, "workeroutput", None)
    if output is None:
        raise pytest.UsageError(config.stash[_REFUSAL])
    output[_REFUSED] = config.stash[_REFUSAL]
    items.clear()


class _usage_errors:  # noqa: N801 - a context manager reads as a verb
    """Turn a UsageError into pytest's own, which ends the run: one line, exit code 4."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, UsageError):
            raise pytest.UsageError(str(error)) from None
