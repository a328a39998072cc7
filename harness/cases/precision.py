"""Precisions: the number types that an engine is asked to compute in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from harness.errors import ConfigurationError, unknown_value

Recipe = Literal["fp32", "tf32", "fp16", "bf16", "int8", "fp16-flags", "int8-calibrator"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)


@dataclass(frozen=True)
class Precision:
    """A recipe, and the nodes that it leaves in FP32.

    Attributes:
        recipe: how the graph is made: ``fp32 tf32 fp16 bf16 int8``, or by builder flags ``fp16-flags int8-calibrator``.
        keep_fp32: names of nodes to leave in FP32; ``*`` and ``?`` match as in a shell.
        name: what ids and reports call it; by default the recipe.

    Raises:
        ConfigurationError: the recipe is not known, the name is that of another recipe, or the precision is mixed and
            has no name of its own.
    """

    recipe: Recipe
    keep_fp32: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if self.recipe not in RECIPES:
            raise ConfigurationError(unknown_value("precision", self.recipe, RECIPES))
        if self.keep_fp32 and self.name in ("", *RECIPES):
            raise ConfigurationError(
                f"a mixed precision needs a name of its own, e.g. Precision({self.recipe!r}, keep_fp32=…, "
                f"name='{self.recipe}-mixed'); {self.name!r} means the plain recipe"
            )
        if self.name in RECIPES and self.name != self.recipe:
            raise ConfigurationError(f"a precision of recipe {self.recipe!r} cannot be named after {self.name!r}")
        if not self.name:
            object.__setattr__(self, "name", self.recipe)

    def to_json(self) -> dict[str, Any]:
        """Return the precision as plain data."""
        return {"recipe": self.recipe, "keep_fp32": list(self.keep_fp32), "name": self.name}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Precision:
        """Make a precision from what ``to_json`` returned."""
        return cls(data["recipe"], tuple(data["keep_fp32"]), data["name"])


FP32 = Precision("fp32")
TF32 = Precision("tf32")
FP16 = Precision("fp16")
BF16 = Precision("bf16")
INT8 = Precision("int8")
