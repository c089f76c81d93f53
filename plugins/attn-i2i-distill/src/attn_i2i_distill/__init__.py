"""Recipes whose generators learn from trained models instead of discriminators."""
