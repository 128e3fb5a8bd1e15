"""Real things for tests: PostgreSQL, Redis and Fonal's own processes, each private and stopped by its own pid.

    with postgres() as cluster, cluster.database() as database_url, redis() as cache:
        env = {"DATABASE_URL": database_url, "REDIS_URL": cache.url}
        manage("migrate", env=env)
        with web(env=env) as server, dispatch(env=env):
            requests.get(server.url + "/health/")
            server.kill()                      # SIGKILL
            server.start()                     # the same port again
            server.stop()                      # SIGTERM, and waits

    with serve(env={"DATABASE_URL": sqlite_url(tmp_path)}) as server:  # the one process
        ...

Everything listens on the loopback address only.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
# What of our own surroundings a process gets; settings come from the test alone.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
_numbers = itertools.count(1)


class NotUp(AssertionError):
    """A process did not come up in time, or died; the message ends with its last words."""


def free_port() -> int:
    """A port that nobody listens on, from below the range where outgoing connections get theirs."""
    for port in (20000 + (os.getpid() * 37 + next(_numbers) * 101 + int(time.monotonic() * 1000)) % 12000 for _ in range(200)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NotUp("no free port")


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'fonal.sqlite3'}"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a Fonal process: nothing of the developer's own settings, then `extra`."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # Not the developer's: a server deletes files there that its own database does not know.
    exports = str(Path(tempfile.gettempdir()) / f"fonal-tests-{os.getpid()}-exports")
    return {**inherited, "PYTHONUNBUFFERED": "1", "LOG_LEVEL": "WARNING", "EXPORT_DIR": exports, **(extra or {})}


def manage(*args: str, env: Mapping[str, str] | None = None, timeout: float = 120) -> str:
    """Run `manage.py ARGS` to its end and return what it printed; raises with its last words when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise AssertionError(
            f"manage.py {' '.join(args)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


class Process:
    """A child that can be started, stopped, killed and started again; its output goes to a file."""

    def __init__(
        self,
        *command: str,
        env: Mapping[str, str],
        is_up: Callable[[], bool] = lambda: True,
        patience: float = 40,
        cwd: Path = ROOT,
        user: str | None = None,
        polite: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.command = command
        self.env = dict(env)
        self.is_up = is_up
        self.patience = patience
        self.cwd = cwd
        self.user = user
        self.polite = polite
        self.child: subprocess.Popen[bytes] | None = None
        self._output = tempfile.NamedTemporaryFile(prefix="fonal-test-", suffix=".log")  # noqa: SIM115 - it lives as long as we do

    @property
    def pid(self) -> int:
        assert self.child is not None, "not started"
        return self.child.pid

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text(errors="replace")

    def start(self, *, wait: bool = True) -> Self:
        assert not self.is_running, "already running"
        as_user = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        self.child = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            # A Ctrl+C for pytest is not for it: it is stopped by the test, by its own pid.
            start_new_session=True,
            **as_user,
        )
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self) -> None:
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            if not self.is_running:
                raise NotUp(f"{' '.join(self.command)} ended with {self.exit_code}:\n{self.output[-4000:]}")
            if self.is_up():
                return
            time.sleep(0.05)
        words = self.output[-4000:]
        self.kill()
        raise NotUp(f"{' '.join(self.command)} was not up after {self.patience} s:\n{words}")

    def minds(self, number: signal.Signals) -> bool:
        """Whether it has said by now what it does on a signal; before, it would die of it (Linux)."""
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        return bool(caught and int(caught[1], 16) & 1 << (number - 1))

    @property
    def exit_code(self) -> int | None:
        return self.child.poll() if self.child else None

    def wait(self, timeout: float = 30) -> int:
        """Wait for it to end by itself; returns its exit code."""
        assert self.child is not None, "not started"
        return self.child.wait(timeout)

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def stop(self, timeout: float = 30) -> int | None:
        """Ask it to end, wait, and return its exit code; kills it when it does not."""
        self.signal(self.polite)
        if self.child is not None:
            try:
                self.child.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.exit_code

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        if self.child is not None:
            self.child.wait(10)

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._output.close()


class Server(Process):
    """A Fonal process that listens; `url` is its address."""

    def __init__(self, *command: str, port: int, env: Mapping[str, str], path: str = "/health/") -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        settings = {"PORT": str(port), "PUBLIC_URL": self.url, **env}
        super().__init__(*command, env=environment(settings), is_up=lambda: answers(self.url + path))


def answers(url: str) -> bool:
    """Whether an HTTP server answers there, with whatever status."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def web(*, env: Mapping[str, str], port: int | None = None) -> Server:
    """`daphne server.asgi:application`, as the Procfile starts it. Several behind one address: pass PUBLIC_URL in `env`."""
    port = port or free_port()
    return Server(
        sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "server.asgi:application", port=port, env=env
    )


def command(*args: str, env: Mapping[str, str]) -> Process:
    """`manage.py ARGS` as a process of its own, not started yet."""
    return Process(sys.executable, "manage.py", *args, env=environment(env))


def dispatch(*, env: Mapping[str, str]) -> Process:
    """`manage.py dispatch`; give it the web server's PUBLIC_URL in `env` for the callback addresses."""
    return command("dispatch", env=env)


def worker(*, env: Mapping[str, str]) -> Process:
    return command("db_worker", "--queue-name", "*", "--interval", "0.2", "--no-startup-delay", env=env)


def serve(*, env: Mapping[str, str], port: int | None = None, migrate: bool = True) -> Server:
    """`manage.py serve`, web, dispatcher and worker in one process; the database is migrated first."""
    port = port or free_port()
    if migrate:
        manage("migrate", "--verbosity", "0", env=env)
    return Server(sys.executable, "manage.py", "serve", port=port, env=env)


class Redis(Process):
    """A private redis-server without persistence; kill() and start() lose everything, as a crash would."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = {"port": str(self.port), "bind": "127.0.0.1", "save": "", "appendonly": "no", "daemonize": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        super().__init__(
            program("redis-server"),
            *arguments,
            env=environment(),
            is_up=lambda: listens(self.port),
            cwd=Path(tempfile.gettempdir()),
        )


@contextlib.contextmanager
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


class Postgres(Process):
    """A private PostgreSQL cluster in a temporary folder; `database()` makes an empty database in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        user = "postgres" if os.geteuid() == 0 else None
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "max_connections": "200",
        }
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        super().__init__(
            program("postgres"),
            "-D",
            str(folder / "data"),
            "-p",
            str(self.port),
            *arguments,
            env=environment(),
            is_up=self.is_ready,
            cwd=folder,
            user=user,
            # "Fast": closes the sessions that are left.
            polite=signal.SIGINT,
        )

    def initialise(self) -> None:
        if self.user:
            # PostgreSQL refuses to run as root.
            shutil.chown(self.folder, self.user, self.user)
        self._run(
            program("initdb"),
            "-D",
            str(self.folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        )

    def is_ready(self) -> bool:
        check = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        return subprocess.run(check, check=False, capture_output=True).returncode == 0

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The address of a new database that is dropped afterwards: an empty one, or a copy of the one named `template`."""
        name = f"fonal_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield f"postgres://postgres@127.0.0.1:{self.port}/{name}"
        finally:
            if self.is_running:
                self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        return self._run(
            program("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database, "-X", "-At", "-c", statement
        )

    def _run(self, *command: str) -> str:
        as_user = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=60, **as_user
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
        return done.stdout


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A running cluster; about three seconds to start, so share it (a session fixture) and take `database()` for each test."""
    with tempfile.TemporaryDirectory(prefix="fonal-pg-", ignore_cleanup_errors=True) as folder:
        cluster = Postgres(Path(folder))
        cluster.initialise()
        with cluster:
            yield cluster


def program(name: str) -> str:
    """Where a program is; Debian keeps PostgreSQL's out of PATH."""
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if not found:
        versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
        found = str(versions[-1]) if versions else None
    assert found, (
        f"{name} is missing: `make test` installs it (apt-get install redis-server postgresql kannel chromium-headless-shell)"
    )
    return found
