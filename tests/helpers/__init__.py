"""What tests share: makers of models, pictures, checkpoints and servers."""
