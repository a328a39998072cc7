from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ConfigurationError
from harness.runtimes.tensorrt.features import probe


def members(*names: str) -> Any:
    """Return something that lists ``names`` as an enumeration of TensorRT's does."""
    return SimpleNamespace(__members__=dict.fromkeys(names))


def module(**changed: Any) -> Any:
    """Return a module with the least that the harness needs, and what is ``changed`` of it."""
    least = {
        "__version__": "99.1",
        "IExecutionContext": SimpleNamespace(execute_async_v3=0, set_input_shape=0),
        "ICudaEngine": SimpleNamespace(num_io_tensors=0),
        "Builder": SimpleNamespace(build_serialized_network=0),
        "IBuilderConfig": SimpleNamespace(),
        "INetworkDefinition": SimpleNamespace(),
        "ILayer": SimpleNamespace(),
        "Runtime": SimpleNamespace(),
        "ParserError": SimpleNamespace(),
    }
    return SimpleNamespace(**{**least, **changed})


def test_nothing_is_assumed_that_is_not_there() -> None:
    """Of a module with the bare minimum every feature is off, whatever its version says."""
    found = probe(module())
    assert found.version == "99.1"
    assert found.strong_typing == "no"
    assert found.precision_flags == found.hardware_levels == found.tactic_sources == ()
    assert not any([found.calibrators, found.debug_tensors, found.optimization_level, found.version_compatible])


@pytest.mark.parametrize(
    ("flags", "typing"),
    [
        pytest.param(("FP16", "INT8"), "opt_in", id="with precision flags beside it"),
        pytest.param(("TF32",), "always", id="with none"),
    ],
)
def test_strong_typing_is_all_there_is_once_no_flag_allows_a_type(flags: tuple[str, ...], typing: str) -> None:
    """The flag's name survived into TensorRT 11, where it says nothing any more."""
    found = probe(module(NetworkDefinitionCreationFlag=members("STRONGLY_TYPED"), BuilderFlag=members(*flags)))
    assert found.strong_typing == typing


def test_a_tensorrt_without_named_tensors_is_too_old() -> None:
    """The error names the version, what it lacks and what is needed."""
    old = module(__version__="8.4.3", IExecutionContext=SimpleNamespace(execute_async_v2=0))
    with pytest.raises(ConfigurationError, match=r"8\.4\.3 is too old: it lacks .*execute_async_v3.*8\.5 or newer"):
        probe(old)
