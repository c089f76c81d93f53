"""DualGAN (Yi et al., ICCV 2017, arXiv:1704.02510): two U-Nets, Wasserstein critics, TensorFlow's RMSProp."""
