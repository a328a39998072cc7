from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from harness.cases import Model
from harness.cases.target import CPU
from harness.errors import ConfigurationError, TargetError
from harness.opening import target_of
from harness.setting_origins import check_filters, named_origin, option_of, told_where
from harness.settings import load_settings
from harness.subjects import cuda_reference_of, subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.settings import Settings

CATALOGUE = (Model(name="net", source="zoo:net"),)


@pytest.mark.parametrize(
    ("name", "value", "option"),
    [
        pytest.param("case_timeout", "5", "--case-timeout", id="most are called as their setting is"),
        pytest.param("subjects", ("a=b",), "--subject", id="some may be given several times"),
        pytest.param("pace", "full", "--full", id="the pace is its own option"),
    ],
)
def test_options_of_settings(name: str, value: object, option: str) -> None:
    """What a person has typed is what is named."""
    assert option_of(name, value) == option


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        pytest.param("TRT_HARNESS_GPU", "TRT_HARNESS_GPU: no --gpu", id="it is put before the error"),
        pytest.param("--gpu", "no --gpu", id="but not twice"),
        pytest.param("", "no --gpu", id="and nothing for a default"),
    ],
)
def test_an_origin_is_named_once(origin: str, text: str) -> None:
    """The kind of the error stays, since exit codes and what is caught depend on it."""
    with pytest.raises(TargetError) as caught, named_origin(origin):
        raise TargetError("no --gpu")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "value", "use"),
    [
        pytest.param("gpu", "t5", target_of, id="gpu"),
        pytest.param("subjects", "new=/no/python", lambda settings: subjects_of(settings, CPU), id="subjects"),
        pytest.param("build_options", "level=1", lambda settings: subjects_of(settings, CPU), id="build options"),
        pytest.param("reference", "cuda:/no/python", cuda_reference_of, id="reference"),
        pytest.param("models", "nett", lambda settings: check_filters(settings, CATALOGUE), id="models"),
        pytest.param("precisions", "fp15", lambda settings: check_filters(settings, CATALOGUE), id="precisions"),
        pytest.param("profiles", "statc", lambda settings: check_filters(settings, CATALOGUE), id="profiles"),
    ],
)
def test_what_turns_out_wrong_later_is_told_by_its_variable(
    tmp_path: Path, name: str, value: str, use: Callable[[Settings], object]
) -> None:
    """A variable that somebody set long ago is hard to guess from the name of an option."""
    variable = f"TRT_HARNESS_{name.upper()}"
    settings = load_settings(tmp_path, environment={variable: value})
    with pytest.raises((ConfigurationError, TargetError), match=f"^{variable}: "):
        use(settings)


def test_origins_are_no_settings(tmp_path: Path) -> None:
    """Neither what a session records nor a changed copy has them."""
    settings = load_settings(tmp_path, {"gpu": "cpu"}, {})
    assert settings.origins == {"gpu": "--gpu"}
    assert not {name for name in asdict(settings) if "origin" in name}
    changed = replace(settings, gpu="t5")
    assert changed.origins == {}
    with pytest.raises(TargetError, match=r"^wrong"), told_where(changed, "gpu"):
        raise TargetError("wrong")
