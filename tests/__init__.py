"""The test suite; `python -m tests.parity` and `python -m tests.record_api` are its tools."""
