"""What other codes call the options of a recipe."""

from __future__ import annotations

# The names of pytorch-CycleGAN-and-pix2pix, U-GAT-IT, StarGAN, accelerate and diffusers, without capitals.
OTHER_CODES = {
    "lr": "learning_rate",
    "g_lr": "learning_rate",
    "learningrate": "learning_rate",
    "epoch": "epochs",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "niter": "epochs",
    "niter_decay": "decay_epochs",
    "n_epochs_decay": "decay_epochs",
    "lambda_a": "cycle",
    "lambda_cycle": "cycle",
    "cycle_weight": "cycle",
    "lambda_identity": "identity",
    "identity_weight": "identity",
    "adv_weight": "adversarial",
    "cam_weight": "cam",
    "pool_size": "pool",
    "ngf": "width",
    "ch": "width",
    "ndf": "discriminator_width",
    "n_layers_d": "discriminator_layers",
    "n_res": "blocks",
}
