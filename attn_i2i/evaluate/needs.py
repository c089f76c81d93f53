"""The words for what a measure needs: its arguments, and where they come from."""

from __future__ import annotations

NEEDS = {
    "output": "outputs",
    "source": "inputs",
    "truth": "paired truth",
    "mask": "masks, given or the model's own",
    "area": "given masks",
    "true_mask": "given masks",
    "attention": "the model's masks",
    "threshold": "",
    "cycled": "a model of both directions",
    "perceptual": "an LPIPS network",
    "output_maps": "a feature network with maps",
    "source_maps": "a feature network with maps",
    "output_features": "a feature network",
    "target_features": "pictures of the target domain",
    "source_features": "a feature network",
    "generator": "a model",
    "inputs": "a model",
    "frames": "a video's output",
    "flow": "optical flow",
    "visible": "visible pixels of the flow",
    "mask_frames": "a video's masks",
}
"""What each name in ``Measure.needs`` stands for: the argument that the function gets, in words.

``output``, ``source``, ``truth`` and ``cycled`` are (B, 3, H, W) in [0, 1]. ``mask``, ``area`` and ``attention`` are
(B, 1, H, W) in [0, 1], ``true_mask`` is the same as bool. Features are (N, D) of a whole folder, maps (B, D, h, w).
``threshold`` is the number that makes a model's mask 0 or 1. ``perceptual`` is a network of two pictures.
``generator`` is a network, ``inputs`` the arguments of one run.
"""


def in_words(needs: tuple[str, ...]) -> str:
    """The needs that go beyond outputs and inputs, each once."""
    words = dict.fromkeys(NEEDS.get(need, need) for need in needs if need not in ("output", "source", "threshold"))
    return ", ".join(words) or "outputs and inputs"
