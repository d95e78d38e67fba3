"""A Ctrl-C that comes before the commands are loaded."""

import subprocess
import sys

EARLY = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "hub.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from hub.__main__ import main
main()
"""


def test_it_ends_without_a_trace() -> None:
    ended = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
