"""MUNIT (Huang et al., ECCV 2018, arXiv:1804.04732): contents and styles apart, an AdaIN decoder for each domain."""
