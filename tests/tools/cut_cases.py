"""Cuts full reference cases down to the small ones in tests/cases: ``python -m tests.tools.cut_cases FULL SMALL``.

Weights and inputs stay bit for bit; of a batch the first image stays, of a large output every fourth row and column,
and networks whose layout another case covers are left out.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from attn_i2i.convert import read_checkpoint

from ..helpers.tf_bundle import write_bundle

STRIDE = 4
# case: checkpoint files to keep, networks inside them to keep, outputs to leave out
CUTS: dict[str, tuple[str, str, str]] = {
    "aggan_tf": (r".*\.index", r"Model/(g_A(_ae)?|d_A)/.*", r"prob_fake.*|x_b|cycle_a|.*fake_a|attention_b"),
    "attentiongan_multidomain": (r".*-G.*", r".*", r".*_logits"),
    "attentiongan_scheme1": (r".*", r".*", r""),
    "attentiongan_scheme2": (r".*", r".*", r""),
    "cyclegan": (r"latest.*", r".*", r""),
    "ugatit_light": (r".*", r"(genA2B|dis[GL]A)\..*", r".*_(b|b2a)"),
    "ugatit_tf_light": (r".*\.index", r"(generator_B|discriminator_A)/.*", r".*_(b|b2a)"),
}
WHOLE = ("wild_upit_generator", "wild_paddle_state_dict")
"""Cases whose files are small, or in formats that nobody here writes: the files stay as they are."""


def nested(tensors: dict[str, torch.Tensor]) -> dict[str, object]:
    """The dictionary of state dictionaries that ``genA2B.key`` names came from; a plain one stays plain."""
    groups: dict[str, object] = {}
    for key, tensor in tensors.items():
        name, _, inner = key.partition(".")
        if not name.startswith(("gen", "dis")):
            return dict(tensors)
        group = groups.setdefault(name, {})
        assert isinstance(group, dict)
        group[inner] = tensor
    return groups


def thin_out(full: Path, small: Path, left_out: str, stride: int = STRIDE) -> None:
    """Write the inputs and what stays of the outputs."""
    stored = load_file(full / "io.safetensors")
    kept = {n: t[:1] for n, t in stored.items() if not re.fullmatch(left_out or "-", n)}
    thin = {n: t[..., ::stride, ::stride] if t.dtype == torch.float64 and t.dim() > 2 else t for n, t in kept.items()}
    save_file({n: t.contiguous() for n, t in thin.items()}, small / "io.safetensors")


def copy(full: Path, small: Path) -> None:
    """Keep the files of a case, and of its outputs every fourth row and column."""
    small.mkdir(parents=True)
    case = json.loads((full / "case.json").read_text(encoding="utf-8"))
    known = case.get("stride", 1)
    (small / "case.json").write_text(json.dumps({**case, "stride": STRIDE}, indent=1) + "\n", encoding="utf-8")
    for name in case["files"]:
        shutil.copyfile(full / name, small / name)
    thin_out(full, small, "", STRIDE // known)


def cut(full: Path, small: Path) -> None:
    """Write the small form of one case."""
    files, networks, left_out = CUTS[full.name]
    small.mkdir(parents=True)
    case = json.loads((full / "case.json").read_text(encoding="utf-8"))
    case.pop("variables", None)
    (small / "case.json").write_text(json.dumps({**case, "stride": STRIDE}, indent=1) + "\n", encoding="utf-8")
    for path in sorted(full.iterdir()):
        if path.suffix in (".pth", ".pt", ".ckpt", ".index") and re.fullmatch(files, path.name):
            tensors = {k: t for k, t in read_checkpoint(path).items() if re.fullmatch(networks, k)}
            if path.suffix == ".index":
                write_bundle(small / path.stem, {k: t.numpy() for k, t in sorted(tensors.items())})
            else:
                torch.save(nested(tensors), small / path.name)
    thin_out(full, small, left_out)


if __name__ == "__main__":
    for name in CUTS:
        cut(Path(sys.argv[1], name), Path(sys.argv[2], name))
    for name in WHOLE:
        copy(Path(sys.argv[1], name), Path(sys.argv[2], name))
