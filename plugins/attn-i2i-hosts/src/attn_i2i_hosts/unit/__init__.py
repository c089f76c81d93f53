"""UNIT (Liu et al., NeurIPS 2017, arXiv:1703.00848): an encoder and a decoder for each domain, one latent space."""
