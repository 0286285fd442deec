"""Hosts of a test's own (neighbour.py) that a client reaches by ssh: made, logged in to, and looked at before and after.

Knows of the product only what its processes and its folders are called.
"""

import shutil
import subprocess

from neighbour import Guest, differences
from rig import Broken, until

# Stands in for systemd: knows one unit's start, stop and files.
SYSTEMCTL = r"""#!/bin/sh
echo "$*" >>/run/systemctl.log
for last; do :; done
unit=/etc/systemd/system/$last
case $1 in
list-unit-files) ls /etc/systemd/system | sed -n 's/\.service$/.service enabled/p' ;;
enable) ln -s "$unit" "/etc/systemd/system/multi-user.target.wants/$last" ;;
disable) rm -f "/etc/systemd/system/multi-user.target.wants/$last" ;;
esac
case "$1 $2" in
"start "* | "enable --now")
    setsid env $(sed -n 's/^Environment=//p' "$unit") $(sed -n 's/^ExecStart=//p' "$unit") >/run/agent.log 2>&1 </dev/null &
    ;;
esac
"""

SYSTEMD = (
    "mkdir -p /run/systemd/system && cat >/usr/local/bin/systemctl <<'END'\n" + SYSTEMCTL + "END\nchmod 755 /usr/local/bin/systemctl",
    "rm -f /bin/systemctl /usr/bin/systemctl; ln -s /usr/local/bin/systemctl /usr/bin/systemctl",
    "touch /run/systemctl.log /run/agent.log",
)


def ours(host):
    """The product's processes there."""
    words = ("machine-", "grigri", "jujud")
    return {pid: line for pid, line in host.processes().items() if any(word in line for word in words)}


class Hosts:
    """Hosts with a key of their own, known to the client's ssh; number `first` and up, each of two suites its own."""

    def __init__(self, rig, first=10):
        self.rig, self.first, self.guests = rig, first, []
        self.key = rig.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        (rig.home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        (rig.home / ".ssh/config").write_text(f"Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile {rig.folder}/known\n")
        # OpenSSH looks for its settings where the account says, not where HOME does.
        tool = self.tool = rig.folder / "bin/ssh"
        tool.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {rig.home}/.ssh/config "$@"\n')
        tool.chmod(0o755)

    def guest(self, *prepare):
        folder, number = self.rig.folder / f"guest{len(self.guests)}", self.first + len(self.guests)
        made = Guest(folder, number, self.key.with_suffix(".pub").read_text().strip())
        self.guests.append(made)
        for script in prepare:
            made.run(script)
        # Once, so that what any login makes is there.
        self.ssh(made, "root", "true")
        return made

    def ssh(self, host, user, command, identity=None, ok=0):
        words = ["ssh", "-F", "none", "-i", str(identity or self.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
        words += ["-o", f"UserKnownHostsFile={self.rig.folder}/plain", "-q", f"{user}@{host.address}", command]
        done = until_ssh(words)
        if ok is not None and done.returncode != ok:
            raise Broken(f"ssh {user}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    @staticmethod
    def as_before(host, files):
        """Nothing of ours: no process, no file, no line in any file."""
        until("no process of ours is left", lambda: not ours(host), 20, lambda: ours(host))
        found = differences(files, host.files())
        if found:
            raise Broken("\n".join([f"{len(found)} differences", *found[:40]]))

    def end(self):
        self.tool.unlink()
        (self.rig.home / ".ssh/config").unlink()
        for host in self.guests:
            host.end()


def until_ssh(words):
    """The first connection may come before sshd listens."""
    seen = []

    def look():
        seen[:] = [subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)]
        return seen[0].returncode != 255

    try:
        until("sshd answers", look, 10)
    except Broken:
        pass
    return seen[0]
