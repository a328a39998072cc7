"""Every name of TensorRT's Python API that the harness touches, read from its source."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# In which module which variable (or attribute of self) holds an object of which class of TensorRT.
OBJECTS: Mapping[str, Mapping[str, str]] = {
    "build.py": {"builder": "Builder", "config": "IBuilderConfig", "tensor": "ITensor"},
    "engine.py": {"runtime": "Runtime", "engine": "ICudaEngine", "context": "IExecutionContext"},
    "execution.py": {"engine": "ICudaEngine", "context": "IExecutionContext"},
    "inspector.py": {"engine": "ICudaEngine", "inspector": "EngineInspector"},
    "layers.py": {"network": "INetworkDefinition", "context": "IExecutionContext"},
    "log.py": {},
    "network.py": {
        "builder": "Builder",
        "network": "INetworkDefinition",
        "parser": "OnnxParser",
        "layer": "ILayer",
        "error": "ParserError",
    },
    "profiling.py": {},
    "timing_cache.py": {"config": "IBuilderConfig", "cache": "ITimingCache"},
}

# What a method gives back, where another is called on it at once.
RETURNED: Mapping[str, str] = {"get_input": "ITensor", "create_engine_inspector": "EngineInspector"}

# Names that some version lacks, with the feature that is off there; see harness.runtimes.tensorrt.features.
GUARDS: Mapping[str, str] = {
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED": "strong_typing",
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": "explicit_batch_flag",
    "HardwareCompatibilityLevel": "hardware_levels",
    "IBuilderConfig.set_calibration_profile": "calibrators",
    "ILayer.precision": "layer_precisions",
    "IDebugListener": "debug_tensors",
    "INetworkDefinition.mark_debug": "debug_tensors",
    "IExecutionContext.set_debug_listener": "debug_tensors",
    "IExecutionContext.set_all_tensors_debug_state": "debug_tensors",
    "INetworkDefinition.mark_unfused_tensors_as_debug_tensors": "unfused_debug_tensors",
    "IExecutionContext.unfused_tensors_debug_state": "unfused_debug_tensors",
    "EngineStat": "engine_statistics",
    "EngineStat.TOTAL_WEIGHTS_SIZE": "engine_statistics",
    "ICudaEngine.get_engine_stat": "engine_statistics",
    "ParserError.node_name": "parser_names_nodes",
    "ParserError.node_operator": "parser_names_nodes",
    "Runtime.engine_host_code_allowed": "version_compatible",
}


def names_used(package: Path) -> dict[str, str]:
    """Return the dotted names that the modules in folder ``package`` touch, each with the place of its first use."""
    found: dict[str, str] = {}
    for file in sorted(package.glob("*.py")):
        objects = OBJECTS.get(file.name, {})
        for node in ast.walk(ast.parse(file.read_text())):
            for name in _names_of(node, objects):
                found.setdefault(name, f"{file.name}:{node.lineno}")  # type: ignore[attr-defined]
    return found


def _names_of(node: ast.AST, objects: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(node, ast.Attribute) or node.attr.startswith("__"):
        return
    owner = node.value
    if _is_module(owner):
        yield node.attr
    elif isinstance(owner, ast.Attribute) and _is_module(owner.value):
        yield f"{owner.attr}.{node.attr}"
    elif isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute) and owner.func.attr in RETURNED:
        yield f"{RETURNED[owner.func.attr]}.{node.attr}"
    else:
        held = _variable(owner)
        if held in objects:
            yield f"{objects[held]}.{node.attr}"


def _is_module(node: ast.AST) -> bool:
    """Whether ``node`` is ``trt`` or something's attribute ``trt``."""
    return (isinstance(node, ast.Name) and node.id == "trt") or (isinstance(node, ast.Attribute) and node.attr == "trt")


def _variable(node: ast.AST) -> str:
    """Return the name of a variable, or of an attribute of something, e.g. ``context`` for ``self.context``."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
