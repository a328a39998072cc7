"""Models: an ONNX graph, how to feed it, and what is demanded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cases.calibration import Calibration
from harness.cases.invariance import check_exempt
from harness.cases.precision import FP16, FP32, INT8, Precision
from harness.cases.profile import Profile
from harness.cases.tolerance import DEFAULTS, Tolerance
from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cases.feed import Feed
    from harness.cases.invariance import Padding
    from harness.cases.task import Task

# In ids a dash stands between model, precision and profile, so a model's own name has none.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")


BuildOptions = Mapping[str, str | int | bool]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A graph and everything that is asked of it.

    Attributes:
        name: letters, digits, dots and underscores.
        source: a path to an ONNX file, or ``module:function`` of no arguments that returns an ``onnx.ModelProto``.
        profiles: the shape profiles; a graph without free dimensions has the one profile ``static``.
        precisions: what it is built in.
        feeds: how its inputs are filled, by input name.
        tolerances: by precision name; what is not listed follows the defaults of the recipe.
        calibration: where INT8 scales come from.
        task: a labelled set, if there is one.
        padding: how a sequence of it is padded, if it is; what is padded must not change what is not.
        exempt: invariances (harness.cases.INVARIANCES) that are not asked of it, each with the reason, e.g.
            ``{"nan": "its Clip makes a number of it"}``; ``tensorrt:nan`` is not asked of it under that runtime alone.
        batch_axis: the symbol of the free dimension that holds independent samples, or None if there is none.
        build_options: options of the build, by runtime and precision name, e.g.
            ``{"onnxruntime": {"fp16": {"optimization": "extended"}}}``.
        type_share: by runtime and precision name, the share of computing layers that must be of its number type, where
            the recipe's own demand (harness.accuracy.audit) does not fit: ``{"onnxruntime": {"int8": 0.3}}``.
        framework_outputs: ``module:function`` that takes inputs and returns outputs, both as arrays by name: what the
            framework that the graph was exported from makes of them. The reference is held against it.
        slow: whether it runs only with ``--full``.
        version: raised by hand when results of before and after must not be compared.
    """

    name: str
    source: str | Path
    profiles: tuple[Profile, ...] = (Profile(),)
    precisions: tuple[Precision, ...] = (FP32, FP16, INT8)
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    tolerances: Mapping[str, tuple[Tolerance, ...]] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    task: Task | None = None
    padding: Padding | None = None
    exempt: Mapping[str, str] = field(default_factory=dict)
    batch_axis: str | None = "batch"
    build_options: Mapping[str, Mapping[str, BuildOptions]] = field(default_factory=dict)
    type_share: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    framework_outputs: str | None = None
    slow: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a model: letters, digits, '.' and '_' only, e.g. "
                f"{re.sub('[^A-Za-z0-9_.]+', '_', self.name).strip('_.') or 'my_model'!r}"
            )
        if not self.profiles or not self.precisions:
            raise ConfigurationError(f"model {self.name!r} needs at least one profile and one precision")
        for what, names in (
            ("profile", [p.name for p in self.profiles]),
            ("precision", [p.name for p in self.precisions]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ConfigurationError(f"model {self.name!r} has two {what}s named {min(twice)!r}")
        known = [p.name for p in self.precisions]
        for what, mapping in (
            ("its tolerances name", self.tolerances),
            *((f"its build_options of {runtime!r} name", options) for runtime, options in self.build_options.items()),
            *((f"its type_share of {runtime!r} names", shares) for runtime, shares in self.type_share.items()),
        ):
            for precision in mapping:
                if precision not in known:
                    raise ConfigurationError(
                        f"model {self.name!r}: {what} a precision that it is not built in: "
                        f"{unknown_value('precision of it', precision, known)}"
                    )
        check_exempt(self.name, self.exempt)
        if self.version < 1:
            raise ConfigurationError(f"model {self.name!r}: a version is 1 or more, not {self.version}")

    @classmethod
    def from_onnx(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        profiles: Sequence[Profile] = (Profile(),),
        precisions: Sequence[Precision] = (FP32, FP16, INT8),
        feeds: Mapping[str, Feed] | None = None,
        tolerances: Mapping[str, Sequence[Tolerance]] | None = None,
        calibration: Calibration | None = None,
        task: Task | None = None,
        padding: Padding | None = None,
        exempt: Mapping[str, str] | None = None,
        batch_axis: str | None = "batch",
        build_options: Mapping[str, Mapping[str, BuildOptions]] | None = None,
        type_share: Mapping[str, Mapping[str, float]] | None = None,
        framework_outputs: str | None = None,
        slow: bool = False,
        version: int = 1,
    ) -> Model:
        """Make a model of your own ONNX file, with or without external data beside it.

        The file is not read here but when its first case runs, so that collecting tests stays fast.

        Args:
            path: the ``.onnx`` file.
            name: by default the file's name without its ending, with anything but letters, digits, dots and
                underscores replaced by an underscore.
            profiles: see the class, as for all that follow.
            precisions: see the class.
            feeds: see the class.
            tolerances: see the class.
            calibration: see the class.
            task: see the class.
            padding: see the class.
            exempt: see the class.
            batch_axis: see the class.
            build_options: see the class.
            type_share: see the class.
            framework_outputs: see the class.
            slow: see the class.
            version: see the class.
        """
        file = Path(path)
        return cls(
            name=name or re.sub(r"[^A-Za-z0-9_.]+", "_", file.stem).strip("_.") or "model",
            source=file,
            profiles=tuple(profiles),
            precisions=tuple(precisions),
            feeds=feeds or {},
            tolerances={precision: tuple(limits) for precision, limits in (tolerances or {}).items()},
            calibration=calibration or Calibration(),
            task=task,
            padding=padding,
            exempt=exempt or {},
            batch_axis=batch_axis,
            build_options=build_options or {},
            type_share=type_share or {},
            framework_outputs=framework_outputs,
            slow=slow,
            version=version,
        )

    def tolerances_for(self, precision: Precision) -> tuple[Tolerance, ...]:
        """Return the model's own tolerances for ``precision``, then the recipe's defaults for what they leave open."""
        return (*self.tolerances.get(precision.name, ()), *DEFAULTS[precision.recipe])
