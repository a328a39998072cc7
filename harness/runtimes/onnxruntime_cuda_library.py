"""onnxruntime's CUDA provider: whether this interpreter can use it, why not, and what stands beside it."""

from __future__ import annotations

import contextlib
import ctypes
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import ConfigurationError, TargetError
from harness.measurement.devices import present_gpus

CUDA_PROVIDER = "CUDAExecutionProvider"
CPU_PROVIDER = "CPUExecutionProvider"

_OTHERWISE = "or name an interpreter that has it: --subject NAME=onnxruntime-cuda:PYTHON, --reference cuda:PYTHON"


def cuda_providers(*, tf32: bool = False, captured: bool = False) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers of a session on the GPU; the CPU's takes the nodes that CUDA has no kernel for.

    Args:
        tf32: whether float32 products may be rounded to TF32 first, which onnxruntime does unless it is told not to.
        captured: whether runs are captured as a CUDA graph and replayed.
    """
    options = {"device_id": "0", "use_tf32": str(int(tf32)), "enable_cuda_graph": str(int(captured))}
    return [(CUDA_PROVIDER, options), CPU_PROVIDER]


def has_come_up(session: Any) -> bool:
    """Whether a session runs on the GPU: where the provider cannot start, onnxruntime takes the CPU in silence."""
    return bool(session.get_providers()[0] == CUDA_PROVIDER)


def require_cuda() -> None:
    """Make sure that sessions of this process can run on the GPU, by opening one.

    Raises:
        ConfigurationError: there is no onnxruntime, it has no CUDA provider, or libraries that it needs are missing.
        TargetError: there is no driver or no GPU.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigurationError(
            f"{sys.executable} cannot import onnxruntime ({error}): {sys.executable} -m pip install onnxruntime-gpu; "
            f"{_OTHERWISE}"
        ) from None

    version = onnxruntime.__version__
    if CUDA_PROVIDER not in onnxruntime.get_available_providers():
        raise ConfigurationError(
            f"onnxruntime {version} of {sys.executable} has no CUDA provider. The package onnxruntime-gpu has: "
            f"{sys.executable} -m pip uninstall -y onnxruntime, then {sys.executable} -m pip install onnxruntime-gpu; "
            f"{_OTHERWISE}"
        )
    if find_spec("nvidia") and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # those that pip installed beside it are on no path that the loader searches
    try:
        session = onnxruntime.InferenceSession(_smallest_graph(), providers=cuda_providers(), enable_fallback=0)
        problem = None if has_come_up(session) else "it took the CPU provider instead"
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class of their own
        problem = str(error).strip()
    if problem is None:
        return
    missing = _missing_library(Path(onnxruntime.__file__).parent / "capi")
    if missing is None and not present_gpus():
        raise TargetError(
            f"the CUDA provider of onnxruntime {version} has no GPU: no NVIDIA driver answers, or "
            f"CUDA_VISIBLE_DEVICES hides every GPU"
        )
    made_for = getattr(onnxruntime, "cuda_version", None)
    raise ConfigurationError(
        f"the CUDA provider of onnxruntime {version} ({sys.executable}) does not start: {missing or problem}. Put the "
        f"libraries of CUDA{f' {made_for}' if made_for else ''} and cuDNN that it was made for on LD_LIBRARY_PATH, or "
        f"install them: {sys.executable} -m pip install 'onnxruntime-gpu[cuda,cudnn]'; {_OTHERWISE}"
    )


def cuda_libraries() -> dict[str, str]:
    """Return the versions of CUDA, cuDNN and the driver that this process has loaded, by name, as far as they tell.

    Called once a session has run on the GPU, which is when they are loaded.
    """
    found = {"provider": CUDA_PROVIDER}
    runtime, dnn = _loaded("libcudart.so"), _loaded("libcudnn.so")
    if runtime:
        number = ctypes.c_int()
        if runtime.cudaRuntimeGetVersion(ctypes.byref(number)) == 0:
            found["cuda"] = f"{number.value // 1000}.{number.value % 1000 // 10}"
    if dnn:
        version = int(dnn.cudnnGetVersion())
        thousands = 10_000 if version >= 90_000 else 1_000  # 91002 is 9.10.2, and 8907 is 8.9.7
        found["cudnn"] = f"{version // thousands}.{version % thousands // 100}.{version % 100}"
    gpus = present_gpus()
    if gpus:
        found["driver"] = gpus[0].driver
    return found


def _missing_library(folder: Path) -> str | None:
    """Say which library the provider asks for in vain, or return None if there is none.

    onnxruntime itself says so only in its log. The provider leans on another library of its own, which goes first.
    """
    try:
        for name in ("shared", "cuda"):
            library = folder / f"libonnxruntime_providers_{name}.so"
            if library.exists():
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return str(error)
    return None


def _loaded(name: str) -> Any:
    """Return the library whose file is called ``name…``, if this process has it loaded."""
    with contextlib.suppress(OSError):  # there is no such file but on Linux
        for line in Path("/proc/self/maps").read_text().splitlines():
            found = re.search(rf"\S*/{re.escape(name)}\S*$", line)
            if found:
                return ctypes.CDLL(found.group())
    return None


def _smallest_graph() -> bytes:
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 1, 1], [1.0])],
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content
