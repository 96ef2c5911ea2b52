import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import charts  # noqa: E402


said_in_summary = set()


def pytest_terminal_summary(terminalreporter):
    """What did not run is said, with what it takes; and what ran on a stand-in."""
    for line in sorted(said_in_summary):
        terminalreporter.write_line(line)
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"DID NOT RUN: {report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}")


def needs(what, is_there):
    if not is_there:
        pytest.skip(what)


@pytest.fixture(scope="session")
def kubectl():
    """kubectl's path; what needs it is left out, and named, where the lab was not built."""
    path = charts.kubectl_path()
    needs("there is no kubectl; tests/tools/build-lab builds it, once", path is not None)
    return path


@pytest.fixture(scope="session")
def api(kubectl):
    """A real API server with its controllers and no node: nothing runs, everything is judged. The lab's own."""
    needs("a cluster needs root", os.geteuid() == 0)
    sys.path.insert(0, str(Path(charts.ROOT) / "tests" / "kube"))
    from lab import Lab
    with Lab() as lab:
        lab.up(nodes=0)
        yield lab


@pytest.fixture(scope="session")
def pods(kubectl):
    """A cluster of one node that runs pods, with the images of this build and of etcd. The lab's own."""
    needs("a cluster needs root", os.geteuid() == 0)
    sys.path.insert(0, str(Path(charts.ROOT) / "tests" / "kube"))
    from lab import Lab
    with Lab() as lab:
        lab.up(nodes=1)
        lab.load_usual_images()
        yield lab
