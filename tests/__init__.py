"""The test suite; `python -m tests.parity` and `python -m tests.tools.record_api` are its tools."""
