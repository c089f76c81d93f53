"""The families that come with the package; each registers through the hook that any plugin uses."""
