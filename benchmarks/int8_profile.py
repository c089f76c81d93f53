"""Where the time of a graph goes in float32 and 8 bits: ``python -m benchmarks.int8_profile MODEL --calibrate DIR``.

Both runtimes say how long each operation took; the shortest of ``--rounds`` runs counts, on one thread. OpenVINO says
beside its kind by which kernel: those that end in I8 compute in 8 bits. A profile slows the runs a little.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attn_i2i.export import export_model
from attn_i2i.export.runtimes import openvino_core
from benchmarks.machine import describe

MOST = 6  # kinds of operations in a row: the rest is below a hundredth


def by_onnxruntime(file: Path, image: np.ndarray, rounds: int) -> Mapping[str, float]:
    """Milliseconds by kind of operation."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    options.profile_file_prefix, options.log_severity_level = str(file), 4
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    for _ in range(rounds):
        session.run(None, {"source": image})
    events = json.loads(Path(session.end_profiling()).read_text())
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            times[event["args"]["op_name"], event["name"]].append(event["dur"] / 1e3)
    return summed({key: min(each) for key, each in times.items()})


def by_openvino(file: Path, image: np.ndarray, rounds: int) -> Mapping[str, float]:
    """Milliseconds by kind of operation and kernel."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "PERF_COUNT": True}
    request = openvino_core().compile_model(str(file), "CPU", settings).create_infer_request()
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        request.infer({"source": image})
        for entry in request.profiling_info:
            key = f"{entry.node_type} ({entry.exec_type})", entry.node_name
            times[key].append(entry.real_time.total_seconds() * 1e3)
    return summed({key: min(each) for key, each in times.items()})


def summed(times: Mapping[tuple[str, str], float]) -> Mapping[str, float]:
    """By kind, the longest first."""
    total: dict[str, float] = defaultdict(float)
    for (kind, _), milliseconds in times.items():
        total[kind] += milliseconds
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def main() -> None:
    """Print one row a runtime and precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--calibrate", type=Path, required=True, help="folder of pictures to calibrate by")
    parser.add_argument("--direction", default="A2B")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, arguments.size, arguments.size)).astype(np.float32)
    print(f"{describe()}; {arguments.model}, {arguments.size}x{arguments.size}.\n")
    for runtime, measure, ending in (("onnx", by_onnxruntime, ".onnx"), ("openvino", by_openvino, ".xml")):
        for options in ({}, {"int8": True, "calibrate": arguments.calibrate, "least_psnr": 0.0}):
            with tempfile.TemporaryDirectory() as work:
                folder = Path(work, "graphs")
                export_model(arguments.model, folder, format=runtime, direction=arguments.direction, **options)  # type: ignore[arg-type]
                times = measure(folder / f"{arguments.direction}{ending}", image, arguments.rounds)
            whole = sum(times.values())
            parts = [f"{kind} {part:.1f} ms ({part / whole:.0%})" for kind, part in list(times.items())[:MOST]]
            print(f"{runtime}, {'8 bits' if options else 'float32'}: {whole:.1f} ms: {', '.join(parts)}", flush=True)


if __name__ == "__main__":
    main()
