"""Tests run on a real PostgreSQL: the embedded one, or the server of HUB_TEST_DATABASE_URL.

A database is migrated once a session and then only copied, which takes some 50 ms:

- `database`: the URL of a copy of one's own, with the code tables; `connection` is a connection on it;
- `shared_database`: the same for a whole module, for tests that only read what a fixture of theirs has written;
- `empty_database`: the URL of a database without anything;
- `folder`: where tests of the embedded server itself may start others.

The process that hands the tests out to the workers reads this file too, and runs none: so what fixtures need is
imported when they need it.
"""

import gc
import itertools
import os
import shutil
import signal
import ssl
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import asyncpg
    from argon2 import PasswordHasher

# Tests need no database that outlives the machine.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "file_copy_method": "clone",
}
# Copying a database is some hundred files: 20 ms in memory, and up to a second on a virtual disk.
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 * 2**30

# Tests live in May of 2026, and each would cut the months of its logs anew: there are these, and none of today's.
MONTHS = """
do $$
declare
    part regclass;
begin
    for part in
        select inhrelid::regclass from pg_inherits join pg_class on pg_class.oid = inhrelid where relkind = 'r'
    loop
        execute format('drop table %s', part);
    end loop;
    perform ensure_months('2026-05-01T00:00+08:00', '2026-07-31T00:00+08:00');
end $$
"""

# Whole files are handed out, the longest first: the last to begin shall not be one for which all others wait.
LONGEST = (
    "test_kills.py",
    "test_protocol.py",
    "test_sign_in.py",
    "test_graphiql.py",
    "test_trouble.py",
    "test_hostile.py",
    "test_demo.py",
    "test_seed.py",
    "test_seed_interrupted.py",
    "test_oracle.py",
    "test_answers.py",
    "test_run.py",
    "test_logs.py",
    "test_embedded.py",
    "test_search.py",
    "test_plan.py",
    "test_operations.py",
    "test_pool.py",
    "test_rights.py",
    "test_composition.py",
)
LINGERING_DATABASES = 4
SHARED_FOLDER = "HUB_TEST_FOLDER"

numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep bytecode with pytest's cache where the surroundings want none beside the sources.

    Otherwise each process of the tests compiles some two thousand modules again, every `hub serve` among them.
    """
    if sys.dont_write_bytecode and (cache := getattr(config, "cache", None)) is not None:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(cache.mkdir("bytecode"))
        # For processes begun from here: xdist's, and the hub's.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    if not hasattr(config, "workerinput") and not os.environ.get("HUB_TEST_DATABASE_URL"):
        # Where the workers have their server, until the last of them has ended.
        shared = new_folder()
        os.environ[SHARED_FOLDER] = shared.name
        config.add_cleanup(shared.cleanup)
        config.add_cleanup(lambda: quit_servers(Path(shared.name)))  # called first


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: tests wait for servers, browsers and the hub's own processes part of their time."""
    said = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(said) if said else len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    """As the hub does: what stays is not looked through for cycles again and again, which took a tenth of the time."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by how long they take."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """All tests run on asyncio, as the hub does."""
    return "asyncio"


def new_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for embedded servers, in memory where there is room.

    Not in pytest's own: as root, the server runs as another account, which pytest locks out there.
    """
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return tempfile.TemporaryDirectory(prefix="hub-test-", dir=MEMORY if roomy else None)


def quit_servers(folder: Path) -> None:
    """End the servers in it that somebody has left running."""
    for pid_file in folder.glob("**/postgres/postmaster.pid"):
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator["PasswordHasher"]:
    """Passwords are hashed cheaply in this process: the real way costs 64 MiB and 50 ms each, on purpose."""
    from argon2 import PasswordHasher

    from hub.identity import users

    real = users.HASHER
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield real


@pytest.fixture(scope="session", autouse=True)
def one_list_of_authorities() -> Iterator[None]:
    """No test speaks TLS, and each client of HTTP would spend 25 ms on reading whom it might trust."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder for embedded servers of a module's own; what a failed test has left running in it is ended."""
    with new_folder() as made:
        yield Path(made)
        quit_servers(Path(made))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A database on a server where more may be made: one server for all workers."""
    if given := os.environ.get("HUB_TEST_DATABASE_URL"):
        yield given
        return
    from hub.store.embedded import Embedded

    with Embedded.start(Path(os.environ[SHARED_FOLDER]), settings=FORGETFUL) as server:
        yield server.url


@pytest.fixture(scope="session")
def new_database(server_url: str) -> Iterator[Callable[..., Any]]:
    """Makes a database, dropped at the end of the block: `with new_database(template=None) as url`."""
    import psycopg

    from hub.store.engine import other_database

    with psycopg.connect(server_url, autocommit=True) as admin:
        ended: deque[str] = deque()

        def drop() -> None:
            admin.execute(f'drop database "{ended.popleft()}" with (force)'.encode())

        @contextmanager
        def make(template: str | None = None) -> Iterator[str]:
            name = f"hub_test_{os.getpid()}_{next(numbers)}"
            source = "template0 encoding 'UTF8'" if template is None else f'"{template}" strategy file_copy'
            admin.execute(f'create database "{name}" template {source}'.encode())
            try:
                yield other_database(server_url, name)
            finally:
                # The server waits a tenth of a second where somebody is still about to leave; later nobody is.
                ended.append(name)
                if len(ended) > LINGERING_DATABASES:
                    drop()

        yield make
        while ended:
            drop()


@pytest.fixture(scope="session")
async def template(server_url: str, anyio_backend: str) -> AsyncIterator[str]:
    """The name of the migrated database with its code tables, from which all others are copied.

    The worker who comes first makes it for all of them, and who leaves last drops it.
    """
    import psycopg

    from hub.store.codes import load_code_tables
    from hub.store.engine import connect, other_database
    from hub.store.migration import migrate

    name = f"hub_test_{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    # One worker at a time makes it or leaves it, and each holds the other lock, with the others, as long as it uses it.
    turn, use = f"{name} turn", f"{name} use"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(hashtext(%s))", [turn])
        if admin.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
            # It has its name once it is whole: a worker may be killed.
            admin.execute(f'drop database if exists "{name}_half"'.encode())
            admin.execute(f"create database \"{name}_half\" template template0 encoding 'UTF8'".encode())
            url = other_database(server_url, f"{name}_half")
            migrate(url)
            connection = await connect(url)
            await load_code_tables(connection)
            await connection.execute(MONTHS)
            await connection.close()
            admin.execute(f'alter database "{name}_half" rename to "{name}"'.encode())
        admin.execute("select pg_advisory_lock_shared(hashtext(%s))", [use])
        admin.execute("select pg_advisory_unlock(hashtext(%s))", [turn])
        yield name
        admin.execute("select pg_advisory_lock(hashtext(%s))", [turn])
        admin.execute("select pg_advisory_unlock_shared(hashtext(%s))", [use])
        if admin.execute("select pg_try_advisory_lock(hashtext(%s))", [use]).fetchone() == (True,):
            admin.execute(f'drop database "{name}"'.encode())


@pytest.fixture
def empty_database(new_database: Callable[..., Any]) -> Iterator[str]:
    """The URL of a new database without anything in it."""
    with new_database() as url:
        yield url


@pytest.fixture
def database(new_database: Callable[..., Any], template: str) -> Iterator[str]:
    """The URL of a migrated database of one's own."""
    with new_database(template) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database(new_database: Callable[..., Any], template: str) -> Iterator[str]:
    """The URL of a migrated database for all tests of a module."""
    with new_database(template) as url:
        yield url


@pytest.fixture
async def own_connection(database: str) -> AsyncIterator["asyncpg.Connection"]:
    """A connection on a migrated database of one's own."""
    from hub.store.engine import connect

    opened = await connect(database)
    yield opened
    await opened.close()


@pytest.fixture
async def undone_connection(shared_database: str) -> AsyncIterator["asyncpg.Connection"]:
    """A connection in a transaction that is rolled back, which is a tenth of the work of a database of one's own."""
    from hub.store.engine import connect

    opened = await connect(shared_database)
    within = opened.transaction()
    await within.start()
    yield opened
    await within.rollback()
    await opened.close()


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> "asyncpg.Connection":
    """A connection on a migrated database of one's own.

    In a module that says `UNDONE = True`, what is done by it is undone instead, unless the test asks for `database`:
    for tests to which nothing matters that comes with a commit.
    """
    undone = getattr(request.module, "UNDONE", False) and "database" not in request.fixturenames
    return request.getfixturevalue("undone_connection" if undone else "own_connection")
