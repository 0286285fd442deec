"""What every suite in Python does: run the command line with a client store of its own, wait on conditions, report cases.

Knows the product only as its users do. The surprise: a rig that ends removes the controllers that its store names, also after
a failure, so that one broken case does not spoil the suites after it.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback

import host

# Seconds; more where all is slow.
PATIENCE = float(os.environ.get("SUITE_PATIENCE", "60"))


class Broken(Exception):
    """A case did not see what it had to see."""


class Said:
    """What a command said and how it ended."""

    def __init__(self, words, done):
        self.words, self.code, self.out, self.err = words, done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"grigri {' '.join(self.words)}: exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise Broken(f"no JSON: {error}: {self}") from error


class Rig:
    """A client of its own: home, client store, PATH with `juju` on it."""

    def __init__(self, name="client", **variables):
        self.binary = os.environ["GRIGRI"]
        self.folder = pathlib.Path(os.environ["SUITE_FOLDER"]) / name
        self.home, self.data, bin_folder = self.folder / "home", self.folder / "data", self.folder / "bin"
        for folder in (self.home, self.data, bin_folder):
            folder.mkdir(parents=True, exist_ok=True)
        for word in ("juju", "grigri"):
            link = bin_folder / word
            if not link.is_symlink():
                link.symlink_to(self.binary)
        self.env = dict(os.environ, HOME=str(self.home), JUJU_DATA=str(self.data), TERM="dumb", **variables)
        self.env["PATH"] = f"{bin_folder}:{self.env['PATH']}"

    def grigri(self, *words, ok=True, stdin="", timeout=PATIENCE, **variables):
        """Runs a command to its end; `ok` says whether it has to succeed (None: either way)."""
        words = [str(word) for word in words]
        try:
            done = subprocess.run(
                [self.binary, *words], env=dict(self.env, **variables), input=stdin, capture_output=True, text=True, errors="replace",
                timeout=timeout, cwd=self.home, check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Broken(f"grigri {' '.join(words)}: no end after {timeout} s; stderr: {error.stderr}") from error
        said = Said(words, done)
        if ok is not None and (said.code == 0) is not ok:
            raise Broken(str(said))
        return said

    def start(self, *words, **options):
        """Starts a command and does not wait for it."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "text": True, **options}
        return subprocess.Popen([self.binary, *[str(word) for word in words]], env=self.env, cwd=self.home, **options)

    @property
    def key(self):
        """The client's private key, as stock clients look for it."""
        return self.data / "ssh" / "juju_id_rsa"

    def controller(self, name="lab"):
        """The process of one that runs on this host."""
        uuid = self.grigri("show-controller", name, "--format", "json").json()[name]["details"]["uuid"]
        return int(host.read(f"/var/lib/grigri/controllers/{uuid}/controller.pid").split()[0])

    def status(self, model=None):
        return self.grigri("status", "--format", "json", *(["-m", model] if model else [])).json()

    def started(self, count, model=None, within=PATIENCE):
        """Waits until the model has `count` machines and all are started; gives the machines of `status`."""

        def look():
            machines = self.status(model).get("machines", {})
            states = [one["juju-status"]["current"] for one in machines.values()]
            return machines if len(states) == count and set(states) <= {"started"} else None

        return until(f"{count} machines are started", look, within, lambda: self.grigri("status", ok=None))

    def away(self):
        """Removes every controller that the client store still names."""
        said = self.grigri("controllers", "--format", "json", ok=None)
        try:
            names = list(json.loads(said.out)["controllers"] or {})
        except (ValueError, KeyError):
            names = []
        for name in names:
            with contextlib.suppress(Broken):
                self.grigri("kill-controller", name, "--no-prompt", "--timeout", "0", ok=None, timeout=120)


def until(what, look, within=PATIENCE, tell=None):
    """Asks `look` again and again until it gives something; says at the end what it was waiting for."""
    deadline = time.monotonic() + within
    while True:
        trouble = None
        try:
            seen = look()
            if seen:
                return seen
        except (Broken, KeyError, OSError) as error:
            trouble = error
        if time.monotonic() > deadline:
            more = f"; last trouble: {trouble}" if trouble else ""
            raise Broken(f"{what}: not within {within:.0f} s{more}" + (f"\n{tell()}" if tell else ""))
        time.sleep(0.1)


def same(seen, wanted, what="value"):
    if seen != wanted:
        raise Broken(f"{what} is {seen!r}, not {wanted!r}")


def has(text, part, what="text"):
    if part not in text:
        raise Broken(f"{what} has no {part!r}: {text!r}")


class Cases:
    """Reports cases as the contract wants them, and goes on after a failure."""

    def __init__(self):
        self.failed = 0

    def passed(self, name):
        print(f"pass {name}", flush=True)

    def broke(self, name, error):
        self.failed += 1
        why = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        first, *rest = why.splitlines() or [type(error).__name__]
        if not isinstance(error, Broken):
            rest += "".join(traceback.format_exception(type(error), error, error.__traceback__)).splitlines()
        self.say(f"fail {name}: {first}", *(f"    {line}" for line in rest))

    @staticmethod
    def say(*lines):
        """At once, so that what another process says does not come in between."""
        print("\n".join(lines), flush=True)

    def skipped(self, name, why):
        print(f"skip {name}: {why}", flush=True)

    @contextlib.contextmanager
    def case(self, name):
        begun = time.monotonic()
        try:
            yield
        except Exception as error:  # every failure is reported, whatever it is
            self.broke(name, error)
        else:
            took = time.monotonic() - begun
            self.say(f"pass {name}", *([f"    took {took:.1f} s"] if took > 5 else []))

    @contextlib.contextmanager
    def host_unchanged(self, name="host as before"):
        """A case around everything inside: the host looks the same before and after."""
        before = host.at_rest()
        try:
            yield
        finally:
            with self.case(name):
                found = host.settled(before)
                if found:
                    raise Broken("\n".join([f"{len(found)} differences", *found[:60]]))

    def end(self):
        sys.exit(1 if self.failed else 0)


MASKS = [
    (re.compile(r"\b([0-9A-F]{2}:){31}[0-9A-F]{2}\b"), "FINGERPRINT"),
    (re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "MAC"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?"), "TIME"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?( ?(Z|UTC|[+-]\d{2}:?\d{2}( UTC)?))?"), "TIME"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), "DATE"),
    (re.compile(r"\b\d{2}:\d{2}:\d{2}Z?\b"), "CLOCK"),
    (re.compile(r"\b(\d{1,3}\.){3}\d{1,3}(/\d+)?\b"), "ADDRESS"),
]


def masked(text):
    """Takes out of a text what differs from run to run."""
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text
