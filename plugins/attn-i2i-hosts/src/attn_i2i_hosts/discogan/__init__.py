"""DiscoGAN (Kim et al., ICML 2017, arXiv:1703.05192): two generators that undo each other, batch norm throughout."""
