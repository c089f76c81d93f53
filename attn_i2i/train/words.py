"""What other codes call the options of a training: an unknown option is answered with the one that is meant."""

from __future__ import annotations

from collections.abc import Collection

from ..recipes.words import OTHER_CODES
from ..registry import suggestion

# The names of the same codes as in recipes.words.
ENGINES = {
    "batch": "batch_size",
    "train_batch_size": "batch_size",
    "bs": "batch_size",
    "gradient_accumulation_steps": "accumulation",
    "accumulate": "accumulation",
    "img_size": "crop_size",
    "image_size": "crop_size",
    "size": "crop_size",
    "resolution": "crop_size",
    "fine_size": "crop_size",
    "iteration": "steps",
    "iterations": "steps",
    "max_steps": "steps",
    "max_train_steps": "steps",
    "num_iters": "steps",
    "num_workers": "workers",
    "num_threads": "workers",
    "nthreads": "workers",
    "gpu": "device",
    "gpu_ids": "device",
    "mixed_precision": "precision",
    "amp": "precision",
    "fp16": "precision",
    "bf16": "precision",
    "gradient_checkpointing": "checkpointing",
    "checkpointing_steps": "save_every",
    "save_freq": "save_every",
    "print_freq": "log_every",
    "dataroot": "data",
    "dataset": "data",
    "pretrained": "from",
    "continue_train": "resume",
}


def meant(name: str, engine: Collection[str], recipe: Collection[str]) -> str:
    """What to write for an option that the engine does not have: its own, or one of the ``recipe``'s; else nothing.

    A name with dashes is answered by one with dashes, as the command line has it.
    """
    plain = name.lstrip("-").casefold().replace("-", "_")
    if plain in ENGINES:
        own = ENGINES[plain]
        return f" Did you mean {'--' + own.replace('_', '-') if name.startswith('--') else own!r}?"
    own = OTHER_CODES.get(plain, plain)
    if own in recipe:
        return f' It is an option of the recipe: recipe_options={{"{own}": VALUE}}.'
    return suggestion(name, engine) or suggestion(plain, recipe)
