"""Takes the guide's pictures from the user stories in the real window, and writes them to docs/images.

    make docs    or    sh packaging/with_display.sh python docs/guide/screenshots.py [NAME...]

The stories stand in tests/app/stories; where a picture is wanted, they say so. A window of theirs runs with its own
engine process and without the user's settings.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = REPOSITORY / "docs" / "images"
STORIES = REPOSITORY / "tests" / "app" / "stories"


def main(names: list[str]) -> int:
    os.environ["FORMWRIGHT_PICTURES"] = f"{IMAGES}:{','.join(names)}"
    return int(pytest.main([str(STORIES), "-q", "-n", "0", "--rootdir", str(REPOSITORY)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
