"""Which lines of the library each test reaches, in this process and in those that it starts.

Lines of a fixture's set-up and of a test file's import count for every test of the file: it may share what was made.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lines import CHILD, watch


class Reached:
    """A pytest plugin that writes as JSON which tests pass, their seconds, and which of them reach each line."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder, self.out = folder, out
        self.children = out.with_suffix(".children")
        self.now: set[tuple[str, int]] = set()
        self.files: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.tests: dict[str, set[tuple[str, int]]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        """Begin to watch."""
        os.environ[CHILD] = str(self.children)
        watch(self.folder, lambda name, line: self.now.add((name, line)))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """What a test file does while it is imported."""
        self._taken()
        report = yield
        self.files[collector.nodeid.partition("::")[0]] |= self._taken()
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """The seconds of a test with its fixtures."""
        start = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """What the fixtures do."""
        self._taken()
        result = yield
        self.files[item.nodeid.partition("::")[0]] |= self._taken()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """What the test itself does."""
        try:
            return (yield)
        finally:
            self.tests[item.nodeid] = self._taken()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tests that fail without a change say nothing of one."""
        if not report.passed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the table."""
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        tests = [test for test in self.tests if test not in self.failed]
        reached: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, test in enumerate(tests):
            for name, line in self.tests[test] | self.files[test.partition("::")[0]]:
                reached[name][line].append(number)
        seconds = [round(self.seconds[test], 3) for test in tests]
        self.out.write_text(json.dumps({"tests": tests, "seconds": seconds, "reached": reached}))

    def _taken(self) -> set[tuple[str, int]]:
        """The lines since the last time, those of child processes among them."""
        lines, self.now = self.now, set()
        if self.children.exists():
            for line in self.children.read_text().splitlines():
                name, _, number = line.rpartition(" ")
                lines.add((name, int(number)))
            self.children.write_text("")
        return lines
