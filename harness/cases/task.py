"""Tasks: labelled sets, and the score on them of which a precision must keep its share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import ConfigurationError, unknown_value

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What every kind of task has; use one of those below.

    Attributes:
        source: ``module:function`` of no arguments that returns a labelled set: either (inputs by name, labels), all
            samples in one array each, the first dimension being the sample; or anything iterable of one such pair for
            each sample, without that dimension. What labels are is said by each kind of task; where their lengths
            differ they are filled up with -1, which is never counted.
        batch: how many samples are run at once; must be inside every profile of the model.
        kept: the smallest share of the FP32 graph's score that a precision may keep (0.99 or 0.999 as in MLPerf).
    """

    kind: ClassVar[str]

    source: str
    batch: int = 16
    kept: float = 0.99

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """The outputs of the graph that are read."""

    def __post_init__(self) -> None:
        module, _, function = self.source.partition(":")
        if not module or not function:
            self._refuse(f"its source is module:function, e.g. 'my_project.data:held_out', not {self.source!r}")
        if self.batch < 1:
            self._refuse(f"its batch is 1 or more, not {self.batch!r}")
        if not 0.0 < self.kept <= 1.0:
            self._refuse(f"the share of the score to keep is above 0 and at most 1, not {self.kept!r}")
        if not all(self.outputs):
            self._refuse(f"it reads outputs by their names in the graph, not {self.outputs!r}")

    def to_json(self) -> dict[str, Any]:
        """Return what ``task_from_json`` makes an equal task of."""
        return {"kind": self.kind, **vars(self)}

    def _refuse(self, why: str) -> None:
        raise ConfigurationError(f"{type(self).__name__}: {why}")


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """One class for each sample, judged by top-1 accuracy; top-5 accuracy and macro F1 are recorded.

    Labels: whole numbers in [0, classes), shape [samples].

    Attributes:
        output: the output with one score per class, shape [batch, classes].
    """

    kind: ClassVar[str] = "classification"

    output: str

    @property
    def outputs(self) -> tuple[str, ...]:
        """The scores."""
        return (self.output,)


@dataclass(frozen=True, kw_only=True)
class Detection(Task):
    """Boxes, judged by COCO's average precision over IoU 0.5 to 0.95; that at 0.5 is recorded.

    Labels: one row (left, top, right, bottom, class) for each object, shape [samples, objects, 5].

    Attributes:
        boxes: the output with left, top, right and bottom of each candidate, shape [batch, candidates, 4], in the same
            unit as the labels'.
        scores: the output with their scores: [batch, candidates, classes], or [batch, candidates] beside ``classes``.
        classes: the output with their classes, [batch, candidates], where the graph has chosen; negative: no box.
        least_score: candidates below it are dropped.
        suppression: the IoU above which the worse of two boxes of one class is dropped (non-maximum suppression);
            None where the graph does it itself.
    """

    kind: ClassVar[str] = "detection"

    boxes: str
    scores: str
    classes: str | None = None
    least_score: float = 0.001
    suppression: float | None = 0.65

    @property
    def outputs(self) -> tuple[str, ...]:
        """Boxes, scores and, where the graph has them, classes."""
        return (self.boxes, self.scores) if self.classes is None else (self.boxes, self.scores, self.classes)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.suppression is not None and not 0.0 < self.suppression <= 1.0:
            self._refuse(f"its suppression is an IoU above 0 and at most 1, or None, not {self.suppression!r}")


@dataclass(frozen=True, kw_only=True)
class Segmentation(Task):
    """One class for each pixel, judged by the mean IoU of the classes over the whole set.

    Labels: whole numbers of shape [samples, height, width].

    Attributes:
        output: scores, [batch, classes, height, width], or the classes themselves, whole numbers
            [batch, height, width].
        classes: how many there are.
        ignored: a label that is no class, beside the negative ones.
    """

    kind: ClassVar[str] = "segmentation"

    output: str
    classes: int
    ignored: int = 255

    @property
    def outputs(self) -> tuple[str, ...]:
        """The scores or classes."""
        return (self.output,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes < 1:
            self._refuse(f"it needs at least one class, not {self.classes!r}")


@dataclass(frozen=True, kw_only=True)
class Embedding(Task):
    """Vectors, judged by how often one of the same label is among the ``k`` nearest; their cosine is recorded.

    Labels: whole numbers of shape [samples]. Every sample asks for others of its label among all others; those whose
    label is negative or borne by no other are only to be found, and do not ask.

    Attributes:
        output: the vectors, [batch, dimensions].
        k: how many neighbours are looked at.
    """

    kind: ClassVar[str] = "embedding"

    output: str
    k: int = 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """The vectors."""
        return (self.output,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1:
            self._refuse(f"it looks at one neighbour or more, not k={self.k!r}")


@dataclass(frozen=True, kw_only=True)
class SequenceLabelling(Task):
    """One tag for each token, judged by the F1 of whole entities; the accuracy of tokens is recorded.

    Labels: places in ``tags``, whole numbers of shape [samples, tokens]; negative ones (padding, further pieces of a
    word) are taken out before entities are read.

    Attributes:
        output: scores, [batch, tokens, tags], or the places themselves, whole numbers [batch, tokens].
        tags: the names of the tags in the order of the scores: ``O``, and ``B-`` and ``I-`` with a type.
    """

    kind: ClassVar[str] = "sequence labelling"

    output: str
    tags: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The scores or tags."""
        return (self.output,)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "tags", tuple(self.tags))
        wrong = [tag for tag in self.tags if tag != "O" and not (tag[:2] in ("B-", "I-") and tag[2:])]
        if wrong or not self.tags:
            self._refuse(f"its tags are 'O', 'B-<type>' and 'I-<type>', not {wrong[0] if wrong else self.tags!r}")
        twice = [tag for tag in self.tags if self.tags.count(tag) > 1]
        if twice:
            self._refuse(f"it has two tags {twice[0]!r}")


_KINDS: dict[str, type[Task]] = {
    kind.kind: kind for kind in (Classification, Detection, Segmentation, Embedding, SequenceLabelling)
}


def task_from_json(data: Mapping[str, Any]) -> Task:
    """Return the task that ``to_json`` described.

    Raises:
        ConfigurationError: its kind is not known, or what it holds is refused.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise ConfigurationError(unknown_value("kind of task", str(kind), _KINDS))
    return _KINDS[kind](**fields)
