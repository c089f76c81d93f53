"""DRIT (Lee et al., ECCV 2018, arXiv:1808.00948, and arXiv:1905.01270): content shared, attributes of 8 numbers."""
