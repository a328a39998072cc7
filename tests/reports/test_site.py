from __future__ import annotations

from typing import TYPE_CHECKING

from reports.write import site_of

if TYPE_CHECKING:
    from tests.reports.sample_history import HistoryBuilder


def states(builder: HistoryBuilder) -> dict[str, str]:
    """Return the state of each case, by its model."""
    site = site_of(builder.history, title="Report")
    return {case.model: site.state_of(case) for case in site.cases}


def test_a_state_changes_with_the_trials_of_its_case_alone(builder: HistoryBuilder) -> None:
    """A session that was asked for one model leaves the state of the other as it was."""
    first = builder.session(0)
    for model in ("resnet50", "encoder"):
        builder.history.add_trial(builder.trial(first, model, "fp16"))
    before = states(builder)
    assert states(builder) == before
    builder.history.add_trial(builder.trial(builder.session(1, settings={"models": ["encoder"]}), "encoder", "fp16"))
    after = states(builder)
    assert after["encoder"] != before["encoder"]
    assert after["resnet50"] == before["resnet50"]


def test_a_case_that_is_missing_has_another_state(builder: HistoryBuilder) -> None:
    """A session that asked for it and does not have it says something of it, though nothing new is stored of it."""
    first = builder.session(0)
    for model in ("resnet50", "encoder"):
        builder.history.add_trial(builder.trial(first, model, "fp16"))
    before = states(builder)
    builder.history.add_trial(builder.trial(builder.session(1), "encoder", "fp16"))
    assert states(builder)["resnet50"] != before["resnet50"]


def test_a_state_changes_with_a_confirmation_and_with_the_end_of_a_session(builder: HistoryBuilder) -> None:
    """Both may change a verdict: the one its word, the other its q."""
    session = builder.session(0)
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16"))
    seen = [states(builder)]
    builder.history.add_trial(builder.trial(session, "resnet50", "fp16", index=1))
    seen.append(states(builder))
    builder.history.finish_session(session.id)
    seen.append(states(builder))
    assert len({each["resnet50"] for each in seen}) == 3
