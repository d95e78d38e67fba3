"""The directory that holds an embedded database: what may be in it, and whether it can be used."""

import os
from pathlib import Path

from hub.errors import Unusable
from hub.store.locks import FileLock
from hub.store.programs import VERSION

OURS = frozenset(["locks", "postgres", "postgres.log", "postgres.log.old", "demo.json", "demo.json.new"])
HALF_MADE = "postgres.new-"
# What a directory may hold without being in use for something.
IGNORED = frozenset(["lost+found", ".DS_Store", ".gitignore", ".gitkeep"])

PATH_BYTES_MAX = 800  # PostgreSQL keeps paths below 1,024


def usable(data_dir: Path) -> Path:
    """The directory, absolute, made if it is not there, and ready for locks.

    Raises Unusable, with one sentence, when it cannot hold a database of this hub.
    """
    try:
        data_dir = data_dir.expanduser().resolve()
        if len(os.fsencode(data_dir)) > PATH_BYTES_MAX:
            raise Unusable(f"The path of the data directory is longer than {PATH_BYTES_MAX} bytes.")
        if any(ord(character) < ord(" ") for character in str(data_dir)):
            raise Unusable("The path of the data directory holds a control character.")
        if any("\ud800" <= character <= "\udfff" for character in str(data_dir)):
            # So Python writes the bytes that it cannot read; no URL could hold them.
            raise Unusable("The path of the data directory is not in UTF-8, or the locale says that it is not.")
        if data_dir.exists() and not data_dir.is_dir():
            raise Unusable(f"{data_dir} is a file, not a directory.")
        data_dir.mkdir(parents=True, exist_ok=True)
        _holds_nothing_else(data_dir)
        (data_dir / "locks").mkdir(exist_ok=True)
        for name in ("starting", "in-use", "server"):
            FileLock(data_dir / "locks" / name).close()
    except PermissionError:
        raise Unusable(f"{data_dir} cannot be written by this account.") from None
    except (OSError, RuntimeError) as reason:
        raise Unusable(f"{data_dir} cannot be used: {getattr(reason, 'strerror', None) or reason}.") from None
    return data_dir


def _holds_nothing_else(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    if not cluster.exists():
        if (data_dir / "PG_VERSION").exists():
            raise Unusable(f"{data_dir} is a PostgreSQL data directory of something else; give an empty or a new one.")
        strange = sorted(
            entry.name
            for entry in data_dir.iterdir()
            if entry.name not in OURS | IGNORED and not entry.name.startswith(HALF_MADE)
        )
        if strange:
            raise Unusable(f"{data_dir} holds other files ({strange[0]}); give an empty or a new directory.")
        return
    try:
        version = (cluster / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        raise Unusable(f"{cluster} is not a PostgreSQL data directory; give an empty or a new directory.") from None
    if version != str(VERSION):
        raise Unusable(
            f"{data_dir} holds a database of PostgreSQL {version[:20]}, and this version of the hub runs"
            f" PostgreSQL {VERSION}; use that version of the hub, or another directory."
        )
