"""What lies beside the networks of a checkpoint: the state of a training, and networks that only a training needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .names import DISCRIMINATOR_WORDS, words

_PART = re.compile(
    r"(?i)optim\w*|opts?|\w+_opt(im\w*)?|opt_\w+|\w*scheduler|lr_schedulers|param_schedulers|(grad_)?scaler|amp"
    r"|ema_?updates|n_averaged|num_updates|initted|epochs?|iters?|iteration|step|global_step|beta[12]_power(_\d+)?|\w*rng_state\w*|random_state"
    r"|callbacks|loops|message_hub|hyper_parameters|hparams"
)
_SLOT = re.compile(r"(?i)(Adam|RMSProp|Momentum|ExponentialMovingAverage)(_\d+)?")
_PROJECTION = re.compile(r"mlp_\d+\.[02]\.(weight|bias)")

LOSS_WORDS = {
    "a loss's network": {"vgg", "lpips", "perceptual", "percept", "loss", "losses", "criterion", "inception"},
    "a face recogniser for the loss": {"facenet", "arcface", "facefeatures", "facerecognition", "faceid"},
    "a discriminator of an unknown layout": set(DISCRIMINATOR_WORDS),
}
"""Words of names under which lie networks that no translation runs through, by what they are."""


def is_training_state(name: str) -> bool:
    """Whether a tensor's name says that it belongs to an optimizer, a counter or a running average."""
    parts = re.split(r"[./]", name)
    return any(map(_PART.fullmatch, parts)) or ("/" in name and _SLOT.fullmatch(parts[-1]) is not None)


def training_only(name: str, keys: Iterable[str]) -> str | None:
    """What a group of tensors is, where its name or keys say that no translation needs it; None otherwise."""
    names = list(keys)
    if not names or any(map(_PART.fullmatch, (name, name.rpartition(".")[0]))):
        return "the state of a training"
    if all(map(_PROJECTION.fullmatch, names)):
        return "the projection heads of a contrastive loss"
    own = [re.sub(r"\d+$", "", word) for word in words(name)]
    return next((what for what, vocabulary in LOSS_WORDS.items() if not vocabulary.isdisjoint(own)), None)
