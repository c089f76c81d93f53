"""Programs for developers: fuzzers, kill tests, records."""
