"""What one does with a machine day by day, on a host that was taken in: the same commands as on any other machine.

Knows nothing of how a host is taken in. The surprise: an upgrade of the host is a line in its os-release here; a real one is the suite `upgrade`.
"""

import contextlib
import os
import pathlib
import signal
import subprocess

from hosts import ours
from rig import has, same, until

# A command waits for a word from outside; the folder is anybody's, so that it can take the word away.
WAIT = "until [ -e /tmp/daily/go ]; do sleep 0.1; done; rm /tmp/daily/go"
GO = "touch /tmp/daily/go"


class Daily:
    def __init__(self, rig, cases, host, machine):
        self.rig, self.cases, self.host, self.machine = rig, cases, host, machine

    def run(self):
        self.host.run("mkdir -m 777 /tmp/daily")
        for part in (self.watched, self.parallel, self.cut_off, self.killed, self.upgraded, self.files, self.told):
            part()

    def shown(self):
        return self.rig.status()["machines"][self.machine]

    def task(self, number):
        return self.rig.grigri("show-task", number, "--format", "json").json()

    def background(self, command):
        said = self.rig.grigri("exec", "--machine", self.machine, "--background", "--", command)
        return said.err.split("task ")[1].split()[0].strip("'.,")

    def ended(self, number):
        one = until(f"task {number} is over", lambda: (one := self.task(number))["status"] in ("completed", "failed", "cancelled", "aborted") and one, 60)
        results = one.get("results") or {}
        return one["status"], results.get("return-code"), results.get("stdout", "")

    def watched(self):
        with self.cases.case("daily/output is shown while it is written"):
            command = f"echo first; {WAIT}; echo last; exit 4"
            follows = self.rig.start("exec", "--machine", self.machine, "--follow", "--", command)
            same(follows.stdout.readline(), "first\n", "its first line, while the command waits")
            self.host.run(GO)
            out, err = follows.communicate(timeout=60)
            has(err, "return code 4", "what is said at its end")
            same((out, follows.returncode), ("last\n", 1), "the rest")
        with self.cases.case("daily/a command is taken back"):
            number = self.background("sleep 1000")
            until("it runs", lambda: self.task(number)["status"] == "running")
            self.rig.grigri("cancel-task", number)
            same(self.ended(number)[0], "aborted", "how it ended")
            same([line for line in self.host.processes().values() if line == "sleep 1000"], [], "what runs there")

    def parallel(self):
        with self.cases.case("daily/one command on a host and on a machine of the cloud"):
            said = self.rig.grigri("exec", "--all", "--format", "json", "--", "id -un").json()
            same({one["results"]["stdout"] for one in said.values()}, {"ubuntu\n"} if len(said) == 2 else None, "what each says")

    @contextlib.contextmanager
    def cut(self):
        self.host.run("ip link set eth0 down")
        try:
            yield
        finally:
            self.host.run("ip link set eth0 up")

    def cut_off(self):
        with self.cases.case("daily/a network that is cut in the middle of a command: it ends once, and is told"):
            number = self.background(f"echo ran >>/tmp/ran; {WAIT}; cat /tmp/ran; rm /tmp/ran")
            until("it runs", lambda: self.task(number)["status"] == "running")
            with self.cut():
                self.host.run(GO)
                until("it is over there", lambda: not (self.host.root / "tmp/ran").exists())
                until("the host is shown as down", lambda: self.shown()["juju-status"]["current"] == "down", 60)
                late = self.background("echo late")
                same(self.task(late)["status"], "pending", "a command for a host that is away")
            same((self.ended(number), self.ended(late)), (("completed", 0, "ran\n"), ("completed", 0, "late\n")), "how they ended")
            until("it is back", lambda: self.shown()["juju-status"]["current"] == "started", 60)

    def killed(self):
        with self.cases.case("daily/an agent that is killed in the middle of a command: the command is final, and said to be interrupted"):
            number = self.background("echo begun; sleep 900")
            until("it runs", lambda: self.task(number)["status"] == "running")
            for pid in [pid for pid, line in ours(self.host).items() if " machine-agent " in line]:
                os.kill(pid, signal.SIGKILL)
            same(self.ended(number)[0], "failed", "how it ended")
            has(self.task(number)["message"], "interrupted", "what is said of it")
            until("the next one works", lambda: self.rig.grigri("exec", "--machine", self.machine, "--wait", "20s", "--", "echo on", ok=None).out == "on\n", 60)

    def upgraded(self):
        base = self.shown()["base"]
        next_release = int(base["channel"].split("/")[0].split(".")[0]) + 1
        wanted = f"{base['name']}@{next_release}"
        with self.cases.case("daily/an upgrade is prepared, and taken back"):
            self.rig.grigri("upgrade-machine", self.machine, "prepare", wanted, "-y", timeout=60)
            has(self.rig.grigri("machines").out, "prepare completed", "message")
            said = self.rig.grigri("upgrade-machine", self.machine, "prepare", wanted, "-y", ok=False, timeout=60)
            has(said.err, "ERROR ", "a second one meanwhile")
            self.rig.grigri("upgrade-machine", self.machine, "cancel", timeout=60)
            until("nothing is said of it any more", lambda: "prepare" not in self.rig.grigri("machines").out)
        with self.cases.case("daily/an upgrade is prepared and completed: the base is what the host says then"):
            self.rig.grigri("upgrade-machine", self.machine, "prepare", wanted, "-y", timeout=60)
            self.host.run(f"cp -p /usr/lib/os-release /tmp/release && sed -i 's/^VERSION_ID=.*/VERSION_ID=\"{next_release}\"/' /usr/lib/os-release")
            self.rig.grigri("upgrade-machine", self.machine, "complete", timeout=60)
            until("its base is the new one", lambda: self.shown()["base"]["channel"].split("/")[0] == str(next_release), 60, lambda: self.shown())
            self.host.run("cp -p /tmp/release /usr/lib/os-release; rm /tmp/release")

    def files(self):
        with self.cases.case("daily/files go from here to the host, from it to a machine of the cloud, and back"):
            (other,) = [id for id in self.rig.status()["machines"] if id != self.machine]
            text = os.urandom(200_000).hex()
            here = pathlib.Path(self.rig.home, "here")
            here.write_text(text)
            self.rig.grigri("scp", here, f"{self.machine}:/tmp/a")
            self.rig.grigri("scp", f"{self.machine}:/tmp/a", f"{other}:/tmp/b")
            self.rig.grigri("scp", f"{other}:/tmp/b", f"{self.machine}:/tmp/c")
            self.rig.grigri("scp", f"{self.machine}:/tmp/c", "back")
            same(pathlib.Path(self.rig.home, "back").read_text() == text, True, "the same after all of that")
            self.rig.grigri("exec", "--machine", self.machine, "--", "rm /tmp/a /tmp/c")

    def told(self):
        with self.cases.case("daily/what is told of it: why, wait-for, log, keys, history of states"):
            has(self.rig.grigri("why", self.machine).err, "waits for nothing", "why")
            self.rig.grigri("wait-for", "machine", self.machine, "--timeout", "30s")
            has(self.rig.grigri("show-status-log", "--type", "machine", self.machine).out, "Manually provisioned machine", "history")
            has(self.rig.grigri("debug-log", "--replay", "--no-tail", "--include", f"machine-{self.machine}").out, f"machine-{self.machine}", "log")
            key = self.rig.folder / "another"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "another@here", "-f", str(key)], check=True)
            self.rig.grigri("add-ssh-key", key.with_suffix(".pub").read_text().strip())
            keys = self.host.root / "home/ubuntu/.ssh/authorized_keys"
            until("the key is there", lambda: "another@here" in keys.read_text(), 20)
            self.rig.grigri("remove-ssh-key", "another@here")
            until("the key is gone", lambda: "another@here" not in keys.read_text(), 20)
            same(self.shown()["juju-status"]["current"], "started", "its state after all of that")
