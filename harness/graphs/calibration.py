"""Calibration sets: made or fetched, checked before anything is built of them, and told apart by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cases import Calibration, Feed, Point, TensorSpec, make_inputs
from harness.errors import CalibrationError, unknown_value
from harness.graphs.sources import call_source

if TYPE_CHECKING:
    from collections.abc import Sequence

Sample = dict[str, np.ndarray]


def calibration_samples(
    calibration: Calibration,
    inputs: Sequence[TensorSpec],
    feeds: Mapping[str, Feed],
    point: Point,
    batch_axis: str | None,
) -> list[Sample]:
    """Return the calibration set: from its source where it has one, else invented from the feeds, one sample a batch.

    Args:
        calibration: what the model says of its set.
        inputs: the graph's inputs.
        feeds: how to fill each of them, by name.
        point: a size for each free dimension; that of ``batch_axis`` is taken to be 1 where samples are invented.
        batch_axis: the symbol of the free dimension that holds independent samples.

    Raises:
        CalibrationError: the set fits the inputs in no way that ``check_samples`` accepts.
        ConfigurationError: there is no such source, or it failed.
        ProfileError: a free dimension has no size in ``point``.
    """
    if calibration.source is not None:
        return check_samples(_yielded(calibration.source), inputs, called=f"the calibration set {calibration.source!r}")
    single = Point(tuple((symbol, 1 if symbol == batch_axis else size) for symbol, size in point.sizes))
    invented = (make_inputs(inputs, feeds, single, seed=f"calibration {i}") for i in range(calibration.samples))
    return check_samples(invented, inputs)


def check_samples(
    samples: Iterable[Mapping[str, Any]], inputs: Sequence[TensorSpec], *, called: str = "the calibration set"
) -> list[Sample]:
    """Return ``samples`` as a list once each of them has been found to be a full set of inputs, of finite numbers.

    Args:
        samples: one array per input, each with its batch dimension.
        inputs: the graph's inputs.
        called: what messages call the set.

    Raises:
        CalibrationError: the set is empty, or a sample lacks an input, names an unknown one, or holds an array of
            another dtype or shape than the input's, or a NaN or an infinity; the sample's index is named.
    """
    if not isinstance(samples, Iterable) or isinstance(samples, Mapping):
        raise CalibrationError(
            f"{called} is a {type(samples).__name__}; it must yield dictionaries of arrays by input name, one a sample"
        )
    listed = list(samples)
    if not listed:
        raise CalibrationError(f"{called} is empty: INT8 scales need at least one sample")
    return [_checked(sample, index, inputs, called) for index, sample in enumerate(listed)]


def hash_samples(samples: Iterable[Sample]) -> str:
    """Return SHA-256 (hex) over names, dtypes, shapes and bytes of all arrays, in order of the samples."""
    digest = hashlib.sha256()
    for sample in samples:
        for name in sorted(sample):
            array = sample[name]
            digest.update(f"|{name}|{array.dtype}|{array.shape}|".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _yielded(source: str) -> Any:
    given = call_source(source)
    try:
        # A generator's code runs only now.
        return list(given) if isinstance(given, Iterator) else given
    except Exception as error:
        raise CalibrationError(f"the calibration set {source!r} failed: {type(error).__name__}: {error}") from error


def _checked(sample: Mapping[str, Any], index: int, inputs: Sequence[TensorSpec], called: str) -> Sample:
    where = f"sample {index} of {called}"
    if not isinstance(sample, Mapping):
        raise CalibrationError(f"{where} is a {type(sample).__name__}, not a dictionary of arrays by input name")
    known = {spec.name for spec in inputs}
    for name in sample:
        if name not in known:
            raise CalibrationError(f"{where}: {unknown_value('input of the graph', str(name), known)}")
    sizes: dict[str, int] = {}
    result: Sample = {}
    for spec in inputs:
        if spec.name not in sample:
            raise CalibrationError(
                f"{where} has no array for input {spec.name!r}; it has {', '.join(sample) or 'none'}"
            )
        array = np.asarray(sample[spec.name])
        _check_array(array, spec, sizes, where)
        result[spec.name] = array
    return result


def _check_array(array: np.ndarray, spec: TensorSpec, sizes: dict[str, int], where: str) -> None:
    wanted = f"{spec.dtype} of shape {_shape_text(spec.shape)}"
    if array.dtype.name != spec.dtype or not _fits(array.shape, spec, sizes):
        raise CalibrationError(
            f"{where}: input {spec.name!r} is {wanted}, and the array given is {array.dtype.name} of shape "
            f"{_shape_text(array.shape)}{_hint(array, spec, sizes)}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        worst = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise CalibrationError(
            f"{where}: the array for input {spec.name!r} holds {array[worst]} at index {worst}; a scale taken from it "
            "would be worthless. Leave the sample out or mend what makes it."
        )


def _fits(shape: tuple[int, ...], spec: TensorSpec, sizes: dict[str, int]) -> bool:
    if len(shape) != len(spec.shape):
        return False
    for given, wanted in zip(shape, spec.shape, strict=True):
        expected = sizes.setdefault(wanted, given) if isinstance(wanted, str) else wanted
        if given != expected or given < 1:
            return False
    return True


def _hint(array: np.ndarray, spec: TensorSpec, sizes: Mapping[str, int]) -> str:
    if array.dtype.name != spec.dtype:
        return f"; convert it with .astype({spec.dtype!r})"
    if array.ndim == len(spec.shape) - 1:
        return "; a sample has a batch dimension in front: array[None]"
    given = ", ".join(f"{symbol}={size}" for symbol, size in sizes.items() if symbol in spec.symbols)
    return f" (with {given} as in the inputs before it)" if given and array.ndim == len(spec.shape) else ""


def _shape_text(shape: Iterable[int | str]) -> str:
    return "x".join(str(size) for size in shape) or "()"
