"""A host of its own for a test: the kernel is shared, everything else is not. Network namespace with an address, processes, a root
that is an overlay over this host's, and a real sshd.

Knows nothing of the product. The surprise: nothing of it can stay behind; its mounts and its files are in a mount namespace of its own,
and go with its first process.
"""

import hashlib
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time

# The first process: starts sshd, buries the dead, ends when it is told to.
INIT = """
import os, signal, subprocess
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
os.setsid()
subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PrintMotd=no"],
                 stdin=subprocess.DEVNULL, stdout=open("/run/sshd.log", "ab"), stderr=subprocess.STDOUT)
while True:
    try:
        os.wait()
    except ChildProcessError:
        signal.pause()
"""

ROOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
# What controllers of this host have is not to be seen there.
if [ -e /var/lib/grigri ]; then mkdir -p "$1/upper/var/lib" && mknod "$1/upper/var/lib/grigri" c 0 0; fi
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
mkdir -p run/sshd root/.ssh
rm -rf var/lib/juju var/log/juju etc/sudoers.d/90-juju-ubuntu etc/systemd/system/grigri*
printf '%s\\n' "$2" >root/.ssh/authorized_keys
chmod 700 root/.ssh
chmod 600 root/.ssh/authorized_keys
hostname "$3"
ip link set lo up
exec chroot . "$4" -c "$5"
"""

# What a login leaves behind whoever logs in, and what only those look at who made this host.
OTHERS = ("/var/log/wtmp", "/var/log/lastlog", "/var/log/btmp", "/run/sshd.log", "/run/utmp", "/run/sudo", "/var/lib/sudo", "/var/lib/apt", "/var/cache")


def call(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **options).stdout


class Guest:
    """One host, `10.213.NUMBER.2`; this one is `10.213.NUMBER.1` to it."""

    def __init__(self, folder, number, key):
        self.name, self.number = f"mtest{number}", number
        self.address, self.ours = f"10.213.{number}.2", f"10.213.{number}.1"
        self.folder = folder
        folder.mkdir(parents=True)
        words = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL", "/bin/sh", "-c", ROOT, "sh"]
        words += [str(folder), key, self.name, sys.executable, INIT]
        self.said = folder / "said"
        self.outer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=self.said.open("w"))
        self.init = self.wait_for_init()
        call("ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.init)
        call("ip", "addr", "add", f"{self.ours}/24", "dev", self.name)
        call("ip", "link", "set", self.name, "up")
        for line in (["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            call("nsenter", "-t", self.init, "-n", "ip", *line)

    def wait_for_init(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.outer.poll() is not None:
                raise RuntimeError(f"the guest did not start: {self.said.read_text()}")
            children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
            # It is there when its root is its own.
            if children and os.path.exists(f"/proc/{children[0]}/root/run/sshd.log"):
                return int(children[0])
            time.sleep(0.05)
        raise RuntimeError("the guest did not start in time")

    @property
    def root(self):
        """Its files, seen from here."""
        return pathlib.Path(f"/proc/{self.init}/root")

    def run(self, script):
        """A shell's script inside, as root, not by ssh."""
        words = ["nsenter", "-t", str(self.init), "-n", "-m", "-p", "-u", "-i", "-r", "-w", "/bin/sh", "-c", script]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{script}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def processes(self):
        """Names and arguments of all its processes, by their number here."""
        own, found = os.readlink(f"/proc/{self.init}/ns/pid"), {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == own and os.readlink(f"/proc/{pid}/exe"):
                    found[int(pid)] = pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
            except OSError:
                pass
        return found

    def files(self):
        """Every entry that is not as on this host, whose files lie under the guest's: kind, mode, owner, and what is in it."""
        found = {}
        for shown, path in self.entries():
            if not shown.startswith(OTHERS):
                seen = self.entry(path)
                if path.startswith(self.upper) and seen != self.entry(shown):
                    found[shown] = seen
                elif not path.startswith(self.upper):
                    found[shown] = seen
        return found

    @property
    def upper(self):
        """What it changed. The outer process sees it: it has the guest's mounts, and not its root."""
        return f"/proc/{self.outer.pid}/root{self.folder}/upper"

    def entries(self):
        """Name in the guest, and where it is seen from here."""
        for top, cut in ((self.upper, self.upper), (f"{self.root}/run", str(self.root)), (f"{self.root}/tmp", str(self.root))):
            for folder, folders, names in os.walk(top):
                for name in [*folders, *names]:
                    yield f"{folder}/{name}".removeprefix(cut), f"{folder}/{name}"

    @staticmethod
    def entry(path):
        try:
            seen = os.lstat(path)
            text = f"{stat.filemode(seen.st_mode)} {seen.st_uid}:{seen.st_gid}"
            if stat.S_ISLNK(seen.st_mode):
                return f"{text} -> {os.readlink(path)}"
            if stat.S_ISREG(seen.st_mode):
                text += f" {seen.st_size}"
                if seen.st_size < 1 << 22:
                    text += " " + hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:16]
            return text
        except OSError as error:
            return f"gone: {error.errno}"

    def end(self):
        """Its first process is killed, and all else goes with it."""
        try:
            os.kill(self.init, signal.SIGKILL)
        except (OSError, AttributeError):
            pass
        self.outer.wait(timeout=20)


def differences(before, after):
    """In words."""
    lines = [f"new {path} {after[path]}" for path in sorted(after.keys() - before.keys())]
    lines += [f"lost {path} {before[path]}" for path in sorted(before.keys() - after.keys())]
    both = sorted(before.keys() & after.keys())
    return lines + [f"changed {path}: {before[path]} -> {after[path]}" for path in both if before[path] != after[path]]
