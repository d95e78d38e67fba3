"""The embedded PostgreSQL starts again after whatever has happened, and says in a sentence why it cannot."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
import pytest

from hub.errors import Unusable
from hub.store import embedded
from hub.store.embedded import Embedded
from hub.store.locks import FileLock
from hub.store.programs import failure

QUICK = {"fsync": "off"}


@pytest.fixture(scope="module")
def stopped(folder: Path) -> Path:
    """A data directory whose server has run once and is stopped; the tests of this module take turns with it."""
    Embedded.start(folder / "data", settings=QUICK).stop()
    return folder / "data"


def works(server: Embedded) -> bool:
    with psycopg.connect(server.url) as connection:
        return connection.execute("select current_database()").fetchone() == ("hub",)


def test_whoever_leaves_last_stops_the_server(stopped: Path) -> None:
    first = Embedded.start(stopped, settings=QUICK)
    second = Embedded(stopped)
    second.open(make=False)
    assert second.postmaster_pid == first.postmaster_pid
    assert not first.stop()
    assert works(second)
    assert second.is_alive()
    assert second.stop()
    assert not second.is_alive()
    assert not second.stop()


def test_the_server_of_a_killed_command_is_taken_over(stopped: Path) -> None:
    killed = Embedded.start(stopped, settings=QUICK)
    pid = killed.postmaster_pid
    assert killed.in_use
    assert killed.child
    killed.in_use.close()  # as the kernel does
    killed.child.returncode = 0
    with Embedded.start(stopped) as server:
        assert server.postmaster_pid == pid
        assert works(server)
    assert not (stopped / "postgres" / "postmaster.pid").exists()


def test_a_killed_server_starts_again_at_the_same_address(stopped: Path) -> None:
    with Embedded.start(stopped, settings=QUICK) as server:
        url, pid = server.url, server.postmaster_pid
        os.kill(pid, signal.SIGKILL)
        assert server.child
        server.child.wait()
        assert not server.is_alive()
        server.revive()
        assert server.url == url
        assert server.postmaster_pid != pid
        assert works(server)


def test_a_server_that_will_never_take_connections_again_is_replaced(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STUCK_SECONDS_MAX", 0.5)
    with Embedded.start(stopped, settings=QUICK) as server:
        stuck = psutil.Process(server.postmaster_pid)
        # After a crash it waits for its children to end, and refuses connections; this one does not for some seconds.
        child_of(stuck, "walwriter").suspend()
        child_of(stuck, "background writer").kill()
        while not refuses(server.url):
            pass
        with Embedded.start(stopped, settings=QUICK) as another:
            assert another.postmaster_pid != stuck.pid
            assert works(another)


def test_a_server_that_is_halted_for_a_while_is_not_replaced(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, tries = psycopg.connect, iter(range(5))

    def halted(*args: Any, **kwargs: Any) -> Any:
        if next(tries, None) is not None:
            raise psycopg.errors.ConnectionTimeout
        return connect(*args, **kwargs)

    monkeypatch.setattr(embedded, "STUCK_SECONDS_MAX", 0.01)
    with Embedded.start(stopped, settings=QUICK) as server:
        monkeypatch.setattr(psycopg, "connect", halted)
        with Embedded.start(stopped, settings=QUICK) as another:
            assert another.postmaster_pid == server.postmaster_pid
            assert next(tries, None) is None


def test_a_server_that_recovers_is_ended_without_waiting_for_it(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Embedded.start(stopped, settings=QUICK) as server:
        monkeypatch.setattr(Embedded, "_recovers", lambda *_: True)
        assert server.stop()
        assert "received immediate shutdown request" in (stopped / "postgres.log").read_text()


def child_of(server: psutil.Process, name: str) -> psutil.Process:
    """The server's process for a task; others of its processes come and go."""
    for child in server.children():
        with suppress(psutil.NoSuchProcess):
            if name in child.cmdline()[0]:
                return child
    raise AssertionError(f"the server has no {name}")


def refuses(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return True
    return False


def test_files_that_name_a_process_of_someone_else_do_no_harm(stopped: Path) -> None:
    someone = os.getpid()
    (stopped / "postgres" / "postmaster.pid").write_text(
        f"{someone}\n{stopped}/postgres\n1\n5432\n/nowhere\n\n1 1\nready\n"
    )
    (stopped / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{someone}\n")
    (stopped / "postgres.new-half").mkdir()
    with Embedded.start(stopped, settings=QUICK) as server:
        assert works(server)
    assert not (stopped / "postgres.new-half").exists()


def test_a_server_whose_directory_is_removed_is_ended(folder: Path, stopped: Path) -> None:
    doomed = folder / "doomed"
    subprocess.run(["cp", "-a", str(stopped), str(doomed)], check=True)
    with Embedded.start(doomed, settings=QUICK) as server:
        pid = server.postmaster_pid
        shutil.rmtree(doomed)
        assert not server.is_alive()
        with pytest.raises(Unusable, match="has been removed"):
            server.revive()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(
    "name", ["数据 of “us”; $HOME `id`", 'comma, quote" and 100% + &', "/".join(["a-very-long-name" * 5] * 4)]
)
def test_any_path_will_do(stopped: Path, folder: Path, name: str) -> None:
    awkward = folder / name
    awkward.parent.mkdir(parents=True, exist_ok=True)
    stopped.rename(awkward)
    try:
        with Embedded.start(awkward, settings=QUICK) as server:
            assert server.running
            socket_dir = Path(server.running.socket_dir)
            assert works(server)
            assert socket_dir.stat().st_mode & 0o077 == 0
        assert socket_dir == awkward / "postgres" or not socket_dir.exists()
    finally:
        awkward.rename(stopped)


def test_an_interruption_at_the_start_leaves_no_process(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Embedded, "_await", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Embedded.start(stopped)
    monkeypatch.undo()
    with FileLock(stopped / "locks" / "server") as lock:
        assert lock.take()


def a_file(path: Path) -> None:
    path.write_text("")


def something_else(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("")


def another_version(path: Path) -> None:
    (path / "postgres").mkdir(parents=True)
    (path / "postgres" / "PG_VERSION").write_text("16\n")


def no_database(path: Path) -> None:
    (path / "postgres").mkdir(parents=True)


def another_program(path: Path) -> None:
    path.mkdir()
    (path / "PG_VERSION").write_text("18\n")


@pytest.mark.parametrize(
    ("lay", "sentence"),
    [
        (a_file, "is a file"),
        (something_else, r"holds other files \(thesis.txt\)"),
        (another_version, "holds a database of PostgreSQL 16, and this version of the hub runs PostgreSQL 18"),
        (no_database, "is not a PostgreSQL data directory"),
        (another_program, "of something else"),
    ],
)
def test_a_directory_of_something_else_is_left_alone(
    tmp_path: Path, lay: Callable[[Path], None], sentence: str
) -> None:
    place = tmp_path / "place"
    lay(place)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Unusable, match=sentence):
        Embedded.start(place)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "a\udcff", "a" * 120 + ("/" + "a" * 120) * 7])
def test_an_impossible_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable):
        Embedded.start(tmp_path / name)


def test_a_directory_that_cannot_be_written_is_refused(folder: Path) -> None:
    place = folder / "closed"
    place.mkdir(mode=0o555)
    euid = os.geteuid()
    if euid == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(Unusable, match="cannot be written by this account"):
            Embedded.start(place / "data")
    finally:
        os.seteuid(euid)


def test_a_command_on_a_directory_without_a_database_makes_none(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="holds no database"):
        Embedded(tmp_path / "data").open(make=False)
    assert not (tmp_path / "data").exists()


def test_what_went_well_is_no_reason(folder: Path) -> None:
    killed = b'child process was terminated by signal 9: Killed\ninitdb: removing contents of data directory "new"\n'
    assert "was terminated by signal 9: Killed." in str(failure(folder, "No database", killed))
    ready = b"2026-11-29 00:24:29.830 CST [1] LOG:  database system is ready to accept connections\n"
    assert str(failure(folder, "PostgreSQL did not start", ready)) == "PostgreSQL did not start: it gave no reason."


def test_a_nearly_full_disk_is_refused_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=99 * 2**20))
    with pytest.raises(Unusable, match="too full for a new database: 99 MB are free, 300 are needed"):
        Embedded.start(folder / "full")


def test_a_disk_that_fills_up_meanwhile_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**40))
        with pytest.raises(Unusable, match=r"the disk of .*small is full"):
            Embedded.start(place)
        assert [left.name for left in place.iterdir()] == ["locks"]
    finally:
        subprocess.run(["umount", place], check=True)
