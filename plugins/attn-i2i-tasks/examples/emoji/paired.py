"""How near to the truth can a generator come at all? Train it on pairs: ``python paired.py WORK/flat2clay``.

This is the bound for the unpaired models that ship. The same AttentionGAN II generator is shown the clay drawing of
every training glyph beside the flat one. It is trained by their L1 distance, then measured on the same test pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from attn_i2i.evaluate import evaluate_pairs, table_text, translating
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate.translator import Translator
from torch import Tensor
from torch.nn.functional import l1_loss

from attn_i2i_tasks import Emoji


def pairs(count: int) -> tuple[Tensor, Tensor]:
    """Every training glyph in both styles, each ``count`` times on a place and background of its own, uint8."""
    task = Emoji()
    keys = [(glyph, f"pair/{glyph}/{i}") for s in task.styles for glyph in task.train(s) for i in range(count)]
    flat, clay = (np.stack([task.draw(style, *key).image for key in keys]) for style in task.styles)
    return torch.from_numpy(flat).permute(0, 3, 1, 2), torch.from_numpy(clay).permute(0, 3, 1, 2)


def main() -> None:
    """Train, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of `attn-i2i task emoji`, for its test pictures")
    for name, default in (("steps", 4000), ("width", 16), ("batch-size", 4), ("per-glyph", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.manual_seed(0)
    flat, clay = pairs(options.per_glyph)
    generator = create("attentiongan2", width=options.width, blocks=4, masks=4, attention_kernel=3)
    adam = torch.optim.Adam(generator.parameters(), 1e-3, (0.5, 0.999), fused=True)
    decay = torch.optim.lr_scheduler.LinearLR(adam, 1, 0, options.steps)
    for step in range(1, options.steps + 1):
        chosen = torch.randint(len(flat), (options.batch_size,))
        source, truth = (pictures[chosen] / 127.5 - 1 for pictures in (flat, clay))
        loss = l1_loss(generator(source).image, truth)
        adam.zero_grad()
        loss.backward()
        adam.step()
        decay.step()
        if step % 100 == 0:
            print(f"\r{step}/{options.steps}  L1 {loss.item():.4f}", end="", flush=True)
    translator = Translator({"A2B": generator}, ModelConfig("attentiongan2", {}, ["A2B"]), device="cpu")
    print("\n" + table_text(evaluate_pairs(translating(translator), options.data)))


if __name__ == "__main__":
    main()
