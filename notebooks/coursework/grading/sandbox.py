"""A process for a student's code, with no network, nothing to read, little to write, and limits.

By bubblewrap (Debian and Ubuntu: package bubblewrap). A thread counts its processes, memory and
seconds, and ends it as a whole where they are too many.
"""

import contextlib
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import Pipe
from pathlib import Path

import psutil
from wire import LARGEST, pack, unpack

HERE = Path(__file__).resolve().parent
COURSE = Path(importlib.util.find_spec("helpers").origin).parents[1]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
OLDEST = (0, 8)  # the first bubblewrap that keeps the sandbox from making namespaces of its own
SHORT = {"COURSE_DATA": "sample", "COURSE_TIER": "quick"}
TICK = 0.1  # seconds between two looks of the watchdog
START = 60  # seconds more for what is no student's: to start Python, to import
PATIENCE = 5  # times as long on the clock, where other work keeps the processors busy


class NoSandbox(Exception):
    """There is no sandbox here. Says why, and what to do."""


class Died(Exception):
    """A student's process ended. Says why, to the student."""


def _fits(kind, reply):
    """Whether a reply has the form that requests of a kind are answered in."""
    match reply:
        case ["failed", str(), str()]:
            return True
        case ["done", value]:
            return FORMS.get(kind, lambda value: True)(value)
    return False


def _is_shown(value):
    """Whether this is what a cell showed, as `student.Answers.run` says."""
    match value:
        case {
            "texts": {"stdout": str(), "stderr": str()},
            "shown": [*shown],
            "error": None | [str(), str()],
        }:
            return all(
                isinstance(data, dict) and all(map(_is_text, data.items())) for data in shown
            )
    return False


def _is_text(pair):
    return all(isinstance(part, str) for part in pair)


def _is_look(value):
    """Whether this says what a name stands for, as `student.Answers.look` does."""
    match value:
        case ("missing",) | ("function",) | ("value", _):
            return True
    return False


FORMS = {"run": _is_shown, "look": _is_look}


@dataclass(frozen=True)
class Limits:
    """What a student's process may use: seconds an answer, bytes of memory, bytes of each writable
    folder, processes.

    An answer has had its seconds where as many have passed and the processors have worked as long
    for it; or else, as on a busy machine or asleep, where PATIENCE times as many have passed.
    """

    seconds: float = 30
    memory: int = 4 * 2**30
    disk: int = 256 * 2**20
    processes: int = 32


@dataclass
class Due:
    """When a reply is due: seconds that it may take, when they have passed on the clock, and how
    much the processors have worked then; None until the watchdog has looked."""

    seconds: float
    clock: float
    work: float | None = None


@functools.cache
def check():
    """Find out, once, whether bubblewrap is here and works, and that this is not root.

    Returns: its path. Raises: NoSandbox.
    """
    if os.geteuid() == 0 and os.environ.get("SANDBOX") != "as-root":
        raise NoSandbox(
            "Students' code does not run as root: what one hole in the sandbox lets through would "
            "reach the whole machine. Grade as a user who owns nothing else. On a machine that "
            "holds nothing of value, say so: make grade SANDBOX=as-root"
        )
    path = shutil.which("bwrap")
    if path is None:
        raise NoSandbox(_missing("found none"))
    shown = subprocess.run(
        [path, "--version"], capture_output=True, encoding="utf-8", check=False
    ).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", shown)[:2])
    if version < OLDEST:
        raise NoSandbox(_missing(f"found {shown.strip()!r}, older than 0.8"))
    command = [*_confined(path, Path("/nonexistent"), Limits()), "/usr/bin/env", "true"]
    tried = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if tried.returncode:
        raise NoSandbox(_missing(f"it does not work here ({tried.stderr.strip()})"))
    return path


def _missing(found):
    return (
        "Students' code runs only inside a sandbox. Expected bubblewrap 0.8 or later (program "
        f"bwrap); {found}. On Debian and Ubuntu: sudo apt install bubblewrap. Where it cannot be "
        "had, grade on a machine that holds nothing of value, and say so: "
        "make grade SANDBOX=none"
    )


def _confined(bwrap, cache, limits):
    """The part of the command that closes the process in."""
    command = [bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    command += ["--new-session", "--clearenv", "--hostname", "grading"]
    for path in SYSTEM:
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            command += ["--ro-bind", path, path]
    for path in FILES:
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--remount-ro", "/proc"]  # it holds the machine's own settings
    command += ["--dev", "/dev", "--remount-ro", "/dev"]
    for folder in ("/dev/shm", "/tmp", "/home/student"):
        command += ["--size", str(limits.disk), "--tmpfs", folder]
    for folder in _folders():
        command += ["--ro-bind", folder, folder]
    command += ["--ro-bind-try", str(cache), "/home/cache", "--remount-ro", "/"]
    return [*command, "--chdir", "/home/student"]


def _folders():
    """The folders that Python and the package `helpers` need, and no other of the course's."""
    packages = [path for path in sys.path if path.endswith("-packages") and os.path.isdir(path)]
    wanted = {sys.prefix, sys.base_prefix, *packages}
    wanted = {path for path in wanted if not path.startswith("/usr/") and path != "/usr"}
    holding = [path for path in wanted if HERE.is_relative_to(path)]
    if holding:
        raise NoSandbox(
            f"expected the course outside of Python's own folder, found it in {holding[0]}: the "
            "sandbox would show the hidden tests. Move the course."
        )
    programs = [str(HERE / name) for name in ("student.py", "wire.py", "network.py")]
    return [*sorted(wanted), str(COURSE / "helpers"), *programs]


def _environment(home, cache):
    """The only environment variables that a student's process gets."""
    return {
        "HOME": home,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/bin", "/bin"]),
        "PYTHONPATH": str(COURSE),
        "PYTHONDONTWRITEBYTECODE": "1",
        **SHORT,
        "XDG_CACHE_HOME": cache,
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "MPLBACKEND": "agg",
        "KERAS_HOME": f"{home}/keras",
        "IPYTHONDIR": f"{home}/ipython",
        "LANG": "C.UTF-8",
    }


def prepare(cache):
    """Unpack the sample once, where every student's process may read it."""
    ready = cache / "ready"
    if ready.is_file() and ready.read_text(encoding="utf-8") == made_of():
        return
    loads = "from helpers import data\nfor name in data.CLASSES: data.load(name)\n"
    loads += "import matplotlib.font_manager"
    place = {"XDG_CACHE_HOME": str(cache), "MPLCONFIGDIR": str(cache / "matplotlib")}
    place |= {**SHORT, "PYTHONPATH": str(COURSE)}
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", loads], check=True, env=os.environ | place)
    ready.write_text(made_of(), encoding="utf-8")


def made_of():
    """What the unpacked sample depends on, as a text to compare."""
    sample = COURSE / "helpers" / "archives" / "sample.py"
    made_by = [version("matplotlib"), sample.read_text(encoding="utf-8")]
    return hashlib.sha256("".join(made_by).encode()).hexdigest()


class Sandbox:
    """A running student's process.

    Arguments: cache: folder with the unpacked sample. limits: a Limits. scratch: None runs it in
        bubblewrap; a folder runs it there without protection.
    Raises: NoSandbox. Close it, or use it as a context manager.
    """

    def __init__(self, cache, limits=None, scratch=None):
        self.limits = limits or Limits()
        self.reason, self.due, self.asked = None, None, 0
        self.ours, theirs = Pipe()
        program = [sys.executable, str(HERE / "student.py"), str(theirs.fileno())]
        program.append(f"{self.limits.memory},{self.limits.disk}")
        if scratch is None:
            command, environment = _confined(check(), cache, self.limits), {}
            for name, value in _environment("/home/student", "/home/cache").items():
                command += ["--setenv", name, value]
        else:
            command, environment = [], _environment(str(scratch), str(cache))
        self.process = subprocess.Popen(
            [*command, *program],
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self._allow(START)
        threading.Thread(target=self._watch, daemon=True).start()
        self._receive()

    def ask(self, *request, model=None, more=0):
        """Send a request and wait for the reply, `more` seconds longer. Raises: Died."""
        self._allow(more)
        self.asked += 1
        try:
            self.ours.send_bytes(pack((self.asked, *request)))
        except OSError:
            self._bury()
        return self._receive(model, request[0])

    def _allow(self, more):
        """Let the next reply take the seconds of the limits, and `more`."""
        seconds = self.limits.seconds + more
        self.due = Due(seconds, time.monotonic() + seconds)

    def _family(self):
        """The process and all that it started."""
        try:
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _receive(self, model=None, kind=None):
        """The reply to the last request; what else a student's code may send ends the process."""
        try:
            number, *reply = unpack(self.ours.recv_bytes(LARGEST), model)
            number = number if _fits(kind, reply) else None
        except (EOFError, OSError):
            self._bury()
        except (ValueError, TypeError):
            number = None
        if number != self.asked:
            self.reason = "your code sent something else than an answer"
            self._bury()
        self.due = None
        return reply

    def _bury(self):
        """End what is left, and say why it ended."""
        self.close()
        raise Died(self.reason or "your code ended the Python process that it ran in") from None

    def _watch(self):
        """The watchdog: end the process as a whole where it takes too much."""
        while self.process.poll() is None:
            reason = self._excess()
            if reason and self.process.poll() is None:
                self.reason = self.reason or reason
                self._kill()
            time.sleep(TICK)

    def _excess(self):
        limits, due, family = self.limits, self.due, self._family()
        if due is not None:
            if due.work is None:  # counted here: most replies come before it is needed
                due.work = _work(family) + due.seconds
            late = time.monotonic() - due.clock
            if late > 0 and (_work(family) > due.work or late > (PATIENCE - 1) * due.seconds):
                return f"your code took more than {limits.seconds:.0f} seconds"
        if len(family) - 1 > limits.processes:
            return f"your code started more than {limits.processes} processes"
        if sum(map(_memory, family[1:])) > limits.memory:
            return f"your code took more than {limits.memory / 2**30:.0f} GB of memory"
        return None

    def _kill(self):
        """End the process and all that it started, and wake whoever waits for its reply.

        In bubblewrap the outermost process is enough: its namespace ends with it.
        """
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        with contextlib.suppress(OSError):  # a child that got away may hold the other end
            socket.socket(fileno=os.dup(self.ours.fileno())).shutdown(socket.SHUT_RDWR)

    def close(self):
        """End the process."""
        if self.process.poll() is None:
            self._kill()
        self.process.wait()
        self.ours.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _memory(process):
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def _work(family):
    """Seconds that the processors have worked for these processes, and for those that ended."""
    seconds = 0.0
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds
