"""What every test shares: the switch for slow tests, the data folder, and a runs folder outside the repository."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Read by TensorFlow and matplotlib when they are imported, and by the processes that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["MPLBACKEND"] = "Agg"

# A shell that starts the tests in the background has them ignore Ctrl-C, and so the processes that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two cores are shared, so a slow example is no failure; in CI the same examples are drawn in every run.
hypothesis.settings.register_profile("dlkit", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("dlkit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; runs with --all"))


@pytest.fixture(scope="session", autouse=True)
def runs_outside_the_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs go to a folder of the session, and a test that leaves one in the repository fails the session."""
    left_before = (REPOSITORY / "runs").exists()
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLKIT_RUNS_DIR", str(folder))
        yield folder
    assert left_before or not (REPOSITORY / "runs").exists(), "a test wrote runs/ into the repository"


@pytest.fixture(scope="session", autouse=True)
def no_reports() -> Iterator[pytest.MonkeyPatch]:
    """Hundreds of tests train, and a report takes two seconds: only those that ask for `reports` write one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlkit.reporting.report.write_report", lambda run, told: None)
        yield patch


@pytest.fixture(scope="module")
def reports(no_reports: pytest.MonkeyPatch) -> Iterator[None]:
    """The runs of a module write their reports."""
    no_reports.undo()
    yield
    no_reports.setattr("dlkit.reporting.report.write_report", lambda run, told: None)


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Ends the training before a step of all its steps, or before a batch of an epoch's validation."""
    from tests.killing import killer  # TensorFlow is not needed by most tests

    return killer(monkeypatch)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium; tests that need it are skipped where there is none."""
    from tests.browsing import a_browser  # a browser is not needed by most tests

    with a_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout, where recipes/, configs/ and scripts/ are."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of data sets that DLKIT_DATA_DIR names; tests that need it are skipped where there is none."""
    named = os.environ.get("DLKIT_DATA_DIR")
    if not named:
        pytest.skip("needs data sets: DLKIT_DATA_DIR is not set")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"needs data sets: DLKIT_DATA_DIR={named} is not a folder")
    return folder
