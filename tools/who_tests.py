"""A pytest plugin that writes which tests execute which lines of the package, and how many seconds each test takes.

    WHO_TESTS=found.json python -m pytest -p who_tests tests/test_decode.py

with this folder on PYTHONPATH. What is executed while modules are imported, or by a fixture that an earlier test had
made, is no test's: a line may matter to more tests than are named here.
"""

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest


class WhoTests:
    """Follows one run of pytest.

    Attributes:
        seconds: of each test, with the fixtures made for it.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.coverage = coverage.Coverage(data_file=None, config_file=False, source_pkgs=["indievalue"])
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.coverage.switch_context(item.nodeid)
        done = yield
        self.coverage.switch_context("")
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {
            file: {
                line: tests
                for line, found in data.contexts_by_lineno(file).items()
                if (tests := [*filter(None, found)])
            }
            for file in data.measured_files()
        }
        self.out.write_text(json.dumps({"lines": lines, "seconds": self.seconds}), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(WhoTests(Path(os.environ["WHO_TESTS"])))
