"""What the table came to, in one line at the end of a run; a plugin of its own, so that workers report to it too."""

from collections.abc import Sequence

import pytest

from tests.attacks.row import KnownMiss, NotBuilt


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the line, if rows were played."""
    played = [
        (str(value), report.outcome)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "attack"
    ]
    if played:
        terminalreporter.write_line(line(played))


def line(played: Sequence[tuple[str, str]]) -> str:
    """Of (what a row expects, outcome of its test): how many rows there are, and what each came to."""
    from tests.attacks.elsewhere import OTHERS

    missing, missed = (sum(isinstance(row, kind) for row in OTHERS) for kind in (NotBuilt, KnownMiss))
    refused, passed = (sum(each == (kind, "passed") for each in played) for kind in ("refused", "passes"))
    failed = len(played) - refused - passed
    parts = [f"{len(played) + missing + missed} rows", f"{refused} refused as expected", f"{passed} passed as allowed"]
    parts += [f"{failed} NOT as expected"] if failed else []
    return "attack table: " + ", ".join([*parts, f"{missed} known misses", f"{missing} not built yet"])
