import collections
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bed import Bed  # noqa: E402
from bed.network import Network  # noqa: E402

# `run sample` takes one version a scenario, in turn, and leaves out those marked `slow`; `run full` takes all of them.
VERSIONS = os.environ.get("USHER_VERSIONS", "3.4").split(",")
SAMPLE = os.environ.get("USHER_SAMPLE", "") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: not in the sample")
    config.addinivalue_line("markers", "one_version: the scenario chooses its versions itself")


def pytest_collection_modifyitems(items):
    for item in items:
        if SAMPLE and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: left to the full run"))


def pytest_terminal_summary(terminalreporter):
    """What was not run, and why: nobody may take the sample for all."""
    reasons = collections.Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", []))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run: {count} ({reason})")
    if SAMPLE:
        terminalreporter.write_line(f"each scenario with one version of etcd, of {', '.join(VERSIONS)}")


def pytest_generate_tests(metafunc):
    if "bed" in metafunc.fixturenames:
        versions = VERSIONS
        if metafunc.definition.get_closest_marker("one_version"):
            versions = VERSIONS[:1]
        elif SAMPLE:  # a scenario always meets the same version: by its name, not by chance
            versions = [VERSIONS[sum(map(ord, metafunc.function.__name__)) % len(VERSIONS)]]
        metafunc.parametrize("bed", versions, indirect=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.report = outcome.get_result() if call.when == "call" else getattr(item, "report", None)


@pytest.fixture
def bed(request):
    bed = Bed(request.param)
    yield bed
    report = getattr(request.node, "report", None)
    if report is not None and report.failed:
        print(bed.tails())
    bed.close()


@pytest.fixture
def network(bed):
    network = Network(bed)
    yield network
    for pod in bed.pods:
        pod.kill()
    network.close()
