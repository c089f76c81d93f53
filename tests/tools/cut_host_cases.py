"""Cuts full cases of the hosts to those of their plugin's tests: ``python -m tests.tools.cut_host_cases FULL SMALL``.

Checkpoints are copied as they are, for some were written by Python 2. Inputs stay bit for bit; of large outputs every
fourth row and column stays. Of a training two steps stay, and no probe: the second step's losses tell the first's
updates.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

STRIDE, STEPS = 4, 2
CASES = ("discogan", "dualgan", "unit", "drit", "drit_feature")
TRAININGS = ("train_discogan", "train_dualgan_wgan", "train_munit", "train_unit")
LEFT_OUT = ("pre04_gen_00000010.pt", "case.json", "io.safetensors")


def cut(full: Path, small: Path) -> None:
    """Write the small form of one case."""
    small.mkdir(parents=True)
    case = json.loads((full / "case.json").read_text(encoding="utf-8"))
    stored = load_file(full / "io.safetensors")
    if "losses" in case:
        case |= {"steps": STEPS, "losses": case["losses"][:STEPS]}
        stored = {name: tensor[:STEPS] for name, tensor in stored.items() if not name.startswith("probe")}
    else:
        case["stride"] = STRIDE
        thin = {name for name, tensor in stored.items() if tensor.dtype == torch.float64 and tensor.dim() > 2}
        stored = {name: t[..., ::STRIDE, ::STRIDE] if name in thin else t for name, t in stored.items()}
    for name in ("variables", "patches"):
        case.pop(name, None)
    (small / "case.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, small / "io.safetensors")
    for path in full.iterdir():
        if path.name not in LEFT_OUT:
            shutil.copyfile(path, small / path.name)


if __name__ == "__main__":
    for name in (*CASES, *TRAININGS):
        cut(Path(sys.argv[1], name), Path(sys.argv[2], name))
