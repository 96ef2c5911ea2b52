import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bed import Bed  # noqa: E402

# `run sample` takes one version a scenario, in turn; `run full` all of them.
VERSIONS = os.environ.get("USHER_VERSIONS", "3.4").split(",")
SAMPLE = os.environ.get("USHER_SAMPLE", "") == "1"


def pytest_generate_tests(metafunc):
    if "bed" in metafunc.fixturenames:
        versions = VERSIONS
        if SAMPLE:  # a scenario always meets the same version: by its name, not by chance
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
