import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import guides  # noqa: E402
from lab import Lab  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: not in the sample that `make test-kube` runs; `make test-kube-all` does")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.report = outcome.get_result() if call.when == "call" else getattr(item, "report", None)


def pytest_sessionfinish(session):
    """One of several workers: what it ran of the guides goes to the one who prints the sum."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["guides"] = [[*block, count] for block, count in guides.Walk.ran.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for name, where, count in getattr(node, "workeroutput", {}).get("guides", []):
        guides.Walk.ran[name, where] = guides.Walk.ran.get((name, where), 0) + count


def pytest_terminal_summary(terminalreporter):
    if guides.Walk.ran:
        for line in guides.summary():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def lab():
    """One cluster of one node, with the usual images, for all tests that do no harm to it."""
    with Lab() as lab:
        lab.up(nodes=1)
        lab.load_usual_images()
        yield lab


@pytest.fixture
def namespace(request, lab):
    """A namespace for one test, which goes with all that is in it (nobody waits for that)."""
    name = f"test-{time.time_ns() // 1000000 % 10 ** 9}"
    lab.kubectl("create", "namespace", name)
    yield name
    report = getattr(request.node, "report", None)
    if report is not None and report.failed:
        print(lab.tails())
        print(lab.kubectl("describe", "pods", "-n", name, check=False))
    lab.kubectl("delete", "namespace", name, "--wait=false")
