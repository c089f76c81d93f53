"""The measures, a file each: pure functions, and how to read their numbers."""
