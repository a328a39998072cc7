from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.runtimes.tensorrt.log import (
    Log,
    LogLine,
    SortedWarning,
    as_text,
    count_kinds,
    sort_warnings,
    summarised,
)

if TYPE_CHECKING:
    from harness.runtimes.tensorrt.log import WarningKind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(
            "1: [myelinCache.h::deserializeFromBuffer::52] Error Code 1: Myelin (Myelin error from unknown graph)",
            "timing cache",
            id="timings that are of no use",
        ),
        pytest.param("4: The timing cache will not be used!", "timing cache", id="no timings at all"),
        pytest.param(
            "Missing scale and zero-point for tensor conv1_output, expect fall back to non-int8 implementation for "
            "any layer consuming or producing given tensor",
            "missing calibration",
            id="a tensor without a scale",
        ),
        pytest.param(
            "Calibrator is not being used. Users must provide dynamic range for all tensors that are not Int32.",
            "missing calibration",
            id="no calibrator",
        ),
        pytest.param(
            "  - 49 weights are affected by this issue: Detected subnormal FP16 values.",
            "subnormal FP16 weights",
            id="subnormal weights",
        ),
        pytest.param(
            "  - 3 weights are affected by this issue: Detected values less than smallest positive FP16 subnormal "
            "value and converted them to the FP16 minimum subnormalized value.",
            "subnormal FP16 weights",
            id="weights below FP16",
        ),
        pytest.param(
            "Tactic Device request: 4610MB Available: 3072MB. Device memory is insufficient to use tactic.",
            "tactic skipped for lack of memory",
            id="a tactic too large for the device",
        ),
        pytest.param(
            "Skipping tactic 3 due to insufficient memory on requested size of 4834983936 detected for tactic "
            "0x0000000000000018.",
            "tactic skipped for lack of memory",
            id="a tactic skipped",
        ),
        pytest.param(
            "Some tactics do not have sufficient workspace memory to run. Increasing workspace size will enable "
            "more tactics, please check verbose output for requested sizes.",
            "tactic skipped for lack of memory",
            id="too small a workspace",
        ),
        pytest.param(
            "No implementation of layer conv1 obeys the requested constraints in strict mode. No conforming "
            "implementation was found i.e. requested layer computation precision and output precision types are "
            "ignored, using the fastest implementation.",
            "fallback",
            id="a constraint that no kernel keeps",
        ),
        pytest.param(
            "Layer 'loop' falls back to FP32 since no FP16 kernel exists", "fallback", id="a layer that fell back"
        ),
        pytest.param(
            "No importer registered for op: GridWarp. Attempting to import as plugin.",
            "unsupported operator",
            id="an unknown operator",
        ),
        pytest.param(
            "getPluginCreator could not find plugin: x; Plugin not found, are the plugin name correct?",
            "unsupported operator",
            id="a missing plugin",
        ),
        pytest.param(
            "TensorRT was linked against cuDNN 8.6.0 but loaded cuDNN 8.4.1", "version mismatch", id="another cuDNN"
        ),
        pytest.param(
            "Using an engine plan file across different models of devices is not recommended and is likely to "
            "affect performance or even cause errors.",
            "version mismatch",
            id="a plan of another GPU",
        ),
        pytest.param(
            "The engine plan file is not compatible with this version of TensorRT, expecting library version "
            "8.6.0.12 got 8.5.3.1, please rebuild.",
            "version mismatch",
            id="a plan of another TensorRT",
        ),
        pytest.param(
            "onnx2trt_utils.cpp:374: Your ONNX model has been generated with INT64 weights, while TensorRT does "
            "not natively support INT64. Attempting to cast down to INT32.",
            "other",
            id="weights of int64",
        ),
        pytest.param("CUDA lazy loading is not enabled. Enabling it can reduce memory.", "other", id="else"),
    ],
)  # fmt: skip
def test_warnings_are_sorted_by_what_they_are_about(text: str, kind: WarningKind) -> None:
    """Each message of TensorRT falls into the one kind that a reader would put it in."""
    (found,) = sort_warnings([LogLine("WARNING", text)])
    assert found.kind == kind
    assert found.text.endswith(text)


def test_an_unsupported_operator_is_named_with_its_node() -> None:
    """The kind's text starts with the operator, and the node where the message has it."""
    (named,) = sort_warnings([LogLine("ERROR", "node_of_y [op GridWarp]: No importer registered for op: GridWarp.")])
    assert named.text.startswith("operator 'GridWarp'")
    (placed,) = sort_warnings([LogLine("ERROR", "[warp_3 (GridWarp)] UNSUPPORTED_NODE: plugin not found")])
    assert placed.text.startswith("operator 'GridWarp' in node 'warp_3': ")


def test_only_warnings_and_errors_count_and_repetitions_once() -> None:
    """What differs in numbers and names only is one warning with a count; an error of no kind is called one."""
    found = sort_warnings(
        [
            LogLine("INFO", "falling back to nothing"),
            LogLine("WARNING", "Skipping tactic 3 due to insufficient memory on requested size of 100"),
            LogLine("WARNING", "Skipping tactic 4 due to insufficient memory on requested size of 2000"),
            LogLine("ERROR", "Myelin graph 'a' broke"),
        ]
    )
    assert [(warning.kind, warning.count) for warning in found] == [
        ("tactic skipped for lack of memory", 2),
        ("error", 1),
    ]
    assert str(found[0]).endswith("requested size of 100 (2 times)")


def test_a_summary_puts_known_kinds_first_and_counts_what_it_leaves_out() -> None:
    """However chatty a build was, a few lines remain, the telling ones among them."""
    chatter = [SortedWarning("other", f"remark {letter}") for letter in "abc"]
    lines = summarised([*chatter, SortedWarning("fallback", "a layer fell back")], limit=2)
    assert lines == ("fallback: a layer fell back", "other: remark a", "and 2 more warnings")


def test_the_log_tells_what_was_said_since_and_what_went_wrong_first(capsys: pytest.CaptureFixture[str]) -> None:
    """A build's own lines are told apart, its first error is its cause, and the worker's log has warnings too."""
    log = Log()
    log.add("ERROR", "of an older build")
    position = len(log.lines)
    assert log.first_error(position) == "its log holds no error"
    log.add("INFO", "quiet")
    log.add("ERROR", "the cause")
    log.add("ERROR", "what follows")
    assert log.first_error(position) == "the cause"
    assert [line.text for line in log.since(position)] == ["quiet", "the cause", "what follows"]
    printed = capsys.readouterr().err
    assert "the cause" in printed
    assert "quiet" not in printed


def test_what_every_healthy_build_says_is_counted_and_not_shown() -> None:
    """The word of a timing cache that is read back is neither worth a look nor the cause of a failure."""
    useless = LogLine("ERROR", "1: [myelinCache.h::deserializeFromBuffer::52] Error Code 1: Myelin (unknown graph)")
    lines = [useless, LogLine("WARNING", "a layer falls back"), useless, LogLine("ERROR", "no tactic")]
    found = sort_warnings(lines)
    assert count_kinds(found) == {"timing cache": 2, "fallback": 1, "error": 1}
    assert summarised(found) == ("fallback: a layer falls back", "error: no tactic")
    log = Log()
    log.lines.extend(lines)
    assert log.first_error(0) == "no tactic"


def test_a_short_log_is_kept_whole() -> None:
    """Line by line, each with how severe it is."""
    assert as_text([LogLine("INFO", "begin"), LogLine("ERROR", "end")]) == "INFO: begin\nERROR: end\n"
    assert as_text([]) == ""


def test_a_long_log_keeps_its_warnings_and_its_end() -> None:
    """What is left out is counted at its top, and what is there is in its order."""
    lines = [LogLine("INFO", f"step {number}") for number in range(100)]
    lines[50] = LogLine("WARNING", "subnormal")
    text = as_text(lines, limit=70)
    assert text == "(96 of 100 lines are left out)\nWARNING: subnormal\nINFO: step 97\nINFO: step 98\nINFO: step 99\n"


def test_a_log_of_warnings_alone_keeps_the_first_ones() -> None:
    """The cause stands before what follows from it, and the limit holds."""
    text = as_text([LogLine("ERROR", f"{number:05d}") for number in range(1000)], limit=1300)
    assert text.startswith("(900 of 1000 lines are left out)\nERROR: 00000\n")
    assert text.endswith("ERROR: 00099\n")
