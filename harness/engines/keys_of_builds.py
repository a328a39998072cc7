"""From a case, and what a worker says of itself, to the key of the engine that would be built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.engines.key import EngineKey, axes_of, plugin_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.cases import Case


def key_of_build(
    case: Case, *, graph: str, versions: Mapping[str, Any], identity: Mapping[str, Any], calibration: str = ""
) -> EngineKey:
    """Return the key of the engine of ``case``.

    Of the case itself only its precision and its ranges count: two models of one graph have one engine.

    Args:
        case: what is built.
        graph: the hash of the graph that is built; see ``harness.graphs.prepare``.
        versions: a worker's answer to ``versions``.
        identity: a worker's answer to ``build_identity``.
        calibration: hash of the samples that the builder calibrates with; empty where it does not.

    Raises:
        ConfigurationError: a plugin library cannot be read, or two have one name.
    """
    return EngineKey(
        graph=graph,
        precision=case.precision.to_json(),
        axes=axes_of(case.profile),
        runtime=versions["runtime"],
        version=versions["version"],
        libraries=identity["libraries"],
        gpu=identity["device"],
        capability=identity["capability"],
        options=identity["options"],
        plugins=plugin_hashes(identity["plugins"]),
        calibration=calibration,
    )
