import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cluster"))
from bed import Bed  # noqa: E402


@pytest.fixture
def bed():
    bed = Bed("3.4")
    yield bed
    bed.close()
