from __future__ import annotations

import pytest

from harness.cases import FP16, FP32, INT8, Case, Model, Precision, Profile, expand
from harness.errors import ConfigurationError

SMALL = Model(
    name="small",
    source="zoo:small",
    profiles=(Profile({"batch": 1}), Profile({"batch": (1, 4, 16)})),
    precisions=(FP32, FP16),
)
LARGE = Model(name="large", source="zoo:large", precisions=(FP32, INT8), slow=True)
CATALOGUE = (SMALL, LARGE)


def ids(cases: list[Case]) -> list[str]:
    """Return the ids of ``cases``."""
    return [case.id for case in cases]


def test_an_id_reads_model_precision_profile() -> None:
    """A case is named after its three parts, a mixed precision by the name that it was given."""
    mixed = Precision("int8", keep_fp32=("head*",), name="int8-head32")
    model = Model(name="small", source="zoo:small", precisions=(mixed,))
    assert Case(SMALL, FP16, SMALL.profiles[1]).id == "small-fp16-batch1x4x16"
    assert Case(model, mixed, Profile()).id == "small-int8-head32-static"


def test_only_a_version_raised_by_hand_parts_results_of_one_id() -> None:
    """The hash follows the id and the model's version, and nothing else of the model."""
    case = Case(SMALL, FP16, Profile())
    same = Case(Model(name="small", source="elsewhere:small"), FP16, Profile())
    newer = Case(Model(name="small", source="zoo:small", version=2), FP16, Profile())
    assert case.hash == same.hash
    assert case.hash != newer.hash
    assert case.hash != Case(SMALL, FP32, Profile()).hash


def test_cases_come_model_by_model_and_profile_by_profile() -> None:
    """Without filters every case but those of slow models is there, in the catalogue's order."""
    assert ids(expand(CATALOGUE)) == [
        "small-fp32-batch1",
        "small-fp16-batch1",
        "small-fp32-batch1x4x16",
        "small-fp16-batch1x4x16",
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"full": True, "precisions": ["fp32"]},
                     ["small-fp32-batch1", "small-fp32-batch1x4x16", "large-fp32-static"],
                     id="full takes slow models too"),
        pytest.param({"models": ["large"]}, ["large-fp32-static", "large-int8-static"],
                     id="a slow model that is named needs no full"),
        pytest.param({"precisions": ["fp16"]}, ["small-fp16-batch1", "small-fp16-batch1x4x16"], id="by precision"),
        pytest.param({"profiles": ["batch1"]}, ["small-fp32-batch1", "small-fp16-batch1"], id="by profile"),
        pytest.param({"models": iter(["small"]), "precisions": ["fp16"], "profiles": ["batch1"]}, ["small-fp16-batch1"],
                     id="all filters at once, from any iterable"),
        pytest.param({"models": ["large", "small"], "precisions": ["fp32"], "profiles": ["static", "batch1"]},
                     ["small-fp32-batch1", "large-fp32-static"], id="the catalogue's order, not the filter's"),
    ],
)  # fmt: skip
def test_filters_narrow_the_cases(filters: dict[str, object], expected: list[str]) -> None:
    """A filter leaves the cases that it names, and several leave what all of them name."""
    assert ids(expand(CATALOGUE, **filters)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        pytest.param({"models": ["smal"]}, r"'smal' is no model of the catalogue\. Did you mean 'small'\?", id="model"),
        pytest.param({"precisions": ["fp61"]}, r"'fp61' is no precision of the catalogue\. Did you mean 'fp16'\?",
                     id="precision"),
        pytest.param({"profiles": ["batch2"]}, r"'batch2' is no profile of the catalogue.*Known: batch1, batch1x4x16",
                     id="profile"),
    ],
)  # fmt: skip
def test_a_filter_that_names_nothing_is_an_error(filters: dict[str, list[str]], message: str) -> None:
    """A misspelt filter is refused with the nearest name, instead of running nothing."""
    with pytest.raises(ConfigurationError, match=message):
        expand(CATALOGUE, **filters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("catalogue", "filters", "hint"),
    [
        pytest.param(CATALOGUE, {"models": ["large"], "profiles": ["batch1"]}, "all that was asked for$",
                     id="filters that no model fulfils together"),
        pytest.param(CATALOGUE, {"precisions": ["int8"]}, "--full", id="a slow model alone has it"),
        pytest.param((), {}, "no case is left", id="an empty catalogue"),
    ],
)  # fmt: skip
def test_nothing_to_run_is_an_error(catalogue: tuple[Model, ...], filters: dict[str, list[str]], hint: str) -> None:
    """A session without a case would pass without having looked at anything, so it is refused."""
    with pytest.raises(ConfigurationError, match=hint):
        expand(catalogue, **filters)  # type: ignore[arg-type]


def test_two_models_of_one_name_are_an_error() -> None:
    """Their results could not be told apart."""
    with pytest.raises(ConfigurationError, match="two models named 'small'"):
        expand((SMALL, LARGE, SMALL))


def test_the_name_of_the_operator_suite_is_taken() -> None:
    """Its results would be left out of every page, as those of the suite are."""
    with pytest.raises(ConfigurationError, match="a model cannot be named 'operators'"):
        expand([Model(name="operators", source="zoo:operators")])
