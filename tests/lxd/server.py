"""A real server of LXD or Incus in a network of its own, with an image to start machines from.

It must not know what is tested on it. The surprise: it lives in namespaces that nobody else sees (its bridge, its mounts), so that the host keeps
nothing of it when it ends, and what talks to it over the network has to be run where it is.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from rig import until

FOLDER, PRODUCT = pathlib.Path(os.environ["SUITE_FOLDER"]), os.environ["GRIGRI"]
KEPT = pathlib.Path(os.environ["SUITE_KEPT"])
TINY = pathlib.Path(__file__).resolve().parent / "tiny"
RECIPE = pathlib.Path(__file__).resolve().parent / "image"
# How the daemons of each kind are called, and where they look for themselves.
KINDS = {
    "lxd": {"daemon": ["lxd", "--group", "root"], "client": "lxc", "folder": "LXD_DIR", "lxcfs": "/var/lib/lxcfs", "ids": "1000000:150000000"},
    "incus": {
        "daemon": ["/usr/libexec/incus/incusd", "--group", "root"],
        "client": "incus",
        "folder": "INCUS_DIR",
        "lxcfs": "/var/lib/incus-lxcfs",
        "ids": "200000000:500000000",
    },
}
# Ids as packages of the servers give them: enough for containers in containers. Each kind has its own, since to the kernel they are users, which have
# only so many watchers of files. The first is a number that its machines have too: mounts that the server makes for them say it, and are mounted anew.
# Mounts of the control groups are below /sys, which is mounted anew so that it shows this network.
ENTER = """
set -e
mkdir -p {folder}/cgroup {lxcfs}
for file in subuid subgid; do
    echo root:{ids} >{folder}/$file
    mount --bind {folder}/$file /etc/$file
done
mount --rbind /sys/fs/cgroup {folder}/cgroup
exec nsenter --net=/run/netns/{netns} /bin/sh -c '
set -e
mount -t sysfs sysfs /sys
mount --move {folder}/cgroup /sys/fs/cgroup
lxcfs --pidfile={folder}/lxcfs.pid {lxcfs} >/dev/null 2>&1 </dev/null &
exec {daemon}'
"""
GROUPS = pathlib.Path("/sys/fs/cgroup")


class Failed(Exception):
    """The server did not do what it has to."""


def image(*packages):
    """The image's archive, with these packages ready to be installed; made once, and again when the recipe changes."""
    name = "-".join(["debian", *packages])
    archive, made_from = KEPT / f"{name}.tar.gz", KEPT / ("-".join(["made-from", *packages]) + ".txt")
    if archive.is_file() and made_from.is_file() and made_from.read_text() == RECIPE.read_text():
        return archive
    print("making an image of Debian, which is kept for the next time", flush=True)
    made_from.unlink(missing_ok=True)
    done = subprocess.run([RECIPE, archive, *packages], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Failed(f"{RECIPE} ended with {done.returncode}\n{done.stdout}")
    made_from.write_text(RECIPE.read_text())
    return archive


def executable():
    """The product. A debug build is stripped: every machine gets a copy."""
    program = FOLDER / "grigri"
    if not program.exists():
        subprocess.run(["strip", "-o", program, PRODUCT], check=True)
    return program


def wrapper(server):
    """The environment in which the product runs where the server is."""
    program, script = executable(), FOLDER / f"grigri-{server.kind}"
    script.write_text(f'#!/bin/sh\nexec nsenter --target {server.process.pid} --net --mount --wdns="$PWD" -- {program} "$@"\n')
    script.chmod(0o755)
    # Where the server's own command line finds it too.
    return {"GRIGRI": str(script), server.words["folder"]: str(server.folder)}


def tiny():
    """The archive of an image that has neither systemd nor sshd."""
    archive = FOLDER / "tiny.tar.gz"
    if not archive.exists():
        subprocess.run([TINY, archive], check=True)
    return archive


class Server:
    """One server; `number` makes its network another one than its neighbours'."""

    def __init__(self, kind, number, name=None):
        self.kind, self.words = kind, KINDS[kind]
        self.netns = f"grigri-test-{name or kind}"
        # Users of machines have to pass through it, and the path of its socket has to be short.
        self.folder = pathlib.Path("/var/lib") / self.netns
        self.address = f"10.151.{number}.1"
        self.bridge = f"{kind}br0"
        self.process = None
        self.env = dict(os.environ, **{self.words["folder"]: str(self.folder), "HOME": str(self.folder / "home")})

    @property
    def socket(self):
        return self.folder / "unix.socket"

    @property
    def pool(self):
        # Its mounts are the server's own.
        return pathlib.Path(f"/proc/{self.process.pid}/root{self.folder}") / "storage-pools" / "default"

    def __enter__(self):
        self.remove()
        try:
            subprocess.run(["ip", "netns", "add", self.netns], check=True)
            subprocess.run(["ip", "-n", self.netns, "link", "set", "lo", "up"], check=True)
            (self.folder / "home").mkdir(parents=True)
            self.folder.chmod(0o711)
            self.start()
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        script = ENTER.format(folder=self.folder, netns=self.netns, lxcfs=self.words["lxcfs"], ids=self.words["ids"], daemon=" ".join(self.words["daemon"]))
        self.begin(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script])

    def restart(self, is_killed=False):
        """The daemon alone: machines run on, and the mounts are kept by the file system beside it."""
        keeper = (self.folder / "lxcfs.pid").read_text().strip()
        self.end(signal.SIGKILL if is_killed else signal.SIGTERM)
        self.begin(["nsenter", "--target", keeper, "--net", "--mount", "--", *self.words["daemon"]])

    def begin(self, words):
        log = open(self.folder / "daemon.log", "ab")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True)
        deadline = time.monotonic() + 120
        while True:
            done = self.client("query", "/1.0", ok=False)
            if done.returncode == 0:
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.kind} does not start: {done.stderr}\n{(self.folder / 'daemon.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def preseed(self, wanted):
        tool = ["lxd", "init"] if self.kind == "lxd" else ["incus", "admin", "init"]
        self.run(*tool, "--preseed", stdin=json.dumps(wanted))

    def set_up(self):
        self.preseed({
            "networks": [{"name": self.bridge, "type": "bridge", "config": {"ipv4.address": f"{self.address}/24", "ipv4.nat": "false", "ipv6.address": "none"}}],
            "storage_pools": [{"name": "default", "driver": "btrfs", "config": {"size": "6GiB"}}, {"name": "plain", "driver": "dir"}],
            "profiles": [{"name": "default", "devices": {
                "root": {"path": "/", "pool": "default", "type": "disk"},
                "eth0": {"name": "eth0", "network": self.bridge, "type": "nic"},
            }}],
        })
        self.client("config", "set", "images.auto_update_interval", "0")
        self.listen()
        self.bring("debian", "bookworm", image(), "debian/12")

    def bring(self, os_name, release, archive, alias, templates=None):
        """Gives the server an image of its own; templates are texts of files that the server writes into each instance, by their paths."""
        about = {"architecture": "x86_64", "creation_date": 1700000000, "properties": {"os": os_name, "release": release}}
        folder = self.folder / "about"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "templates").mkdir(parents=True)
        for number, (path, text) in enumerate((templates or {}).items()):
            (folder / "templates" / f"{number}.tpl").write_text(text)
            one = {"when": ["create", "copy"], "template": f"{number}.tpl", "properties": {"default": "#cloud-config\n{}"}}
            about.setdefault("templates", {})[path] = one
        # JSON is YAML.
        (folder / "metadata.yaml").write_text(json.dumps(about))
        subprocess.run(["tar", "-czf", self.folder / "metadata.tar.gz", "-C", folder, "metadata.yaml", "templates"], check=True)
        self.client("image", "import", str(self.folder / "metadata.tar.gz"), str(archive), "--alias", alias)

    def listen(self):
        # Its address is there once the bridge is.
        self.client("config", "set", "core.https_address", f"{self.address}:8443")

    def hush(self):
        self.client("config", "unset", "core.https_address")

    def run(self, *words, stdin="", ok=True, within=None):
        """A command where the server is, to its end, or for so many seconds."""
        enter = ["nsenter", "-t", str(self.process.pid), "-n", "-m", "--", *(["timeout", str(within)] if within else [])]
        done = subprocess.run([*enter, *map(str, words)], input=stdin, capture_output=True, text=True, env=self.env, check=False)
        if ok and done.returncode:
            raise Failed(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def client(self, *words, ok=True, within=None):
        """The server's own command line."""
        if self.process.poll() is not None:
            return subprocess.CompletedProcess(words, 1, "", "the server has ended")
        return self.run(self.words["client"], *words, ok=ok, within=within)

    def restart_instance(self, name):
        """An instance started anew. Not by the client's own restart: under load its stop looks too early, and fails since the instance runs (seen on Incus)."""
        self.client("stop", "--force", name, ok=False)
        until(f"{name} has stopped", lambda: self.query(f"/1.0/instances/{name}")["status"] == "Stopped", 30)
        self.client("start", name)

    def query(self, path):
        return json.loads(self.client("query", path).stdout)

    def names(self, path):
        return sorted(one.rsplit("/", 1)[1] for one in self.query(path))

    def certificates(self):
        """A client's that the server trusts, as a credential holds them."""
        crt, key = self.folder / "client.crt", self.folder / "client.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes", "-keyout", key, "-out", crt,
             "-days", "10", "-subj", "/CN=grigri"],
            check=True, capture_output=True,
        )
        trust = ["trust", "add"] if self.kind == "lxd" else ["trust", "add-certificate"]
        self.client("config", *trust, str(crt))
        server = self.query("/1.0")["environment"]["certificate"]
        return {"client-cert": crt.read_text(), "client-key": key.read_text(), "server-cert": server}

    def token(self, name):
        """By which the server comes to trust whoever shows it."""
        said = self.client("config", "trust", "add", *(["--name", name] if self.kind == "lxd" else [name]))
        return said.stdout.strip().splitlines()[-1].strip()

    def distrust(self):
        """Lets nobody in any more by certificate."""
        for one in self.names("/1.0/certificates"):
            self.client("config", "trust", "remove", one)

    def end(self, how):
        self.process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Ends the daemon as its host's shutdown would not: machines run on."""
        self.end(signal.SIGTERM)
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "lxcfs.pid").read_text()), signal.SIGTERM)

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            for name in self.client("list", "--format", "csv", "--columns", "n", ok=False).stdout.split():
                self.client("delete", "--force", name, ok=False)
            self.stop()
        self.remove()

    def remove(self):
        """All of it that is on the host, also what one that was killed left."""
        self.end_machines()
        # The server's own helpers: name servers of its bridges, and whatever else is in this network.
        pids = subprocess.run(["ip", "netns", "pids", self.netns], capture_output=True, text=True, check=False).stdout
        for pid in map(int, pids.split()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if pathlib.Path("/run/netns", self.netns).exists():
            subprocess.run(["ip", "netns", "delete", self.netns], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.kind == "incus":
            # Packages bring the other one.
            with contextlib.suppress(OSError):
                os.rmdir(self.words["lxcfs"])

    def end_machines(self):
        """Machines outlive their server; those of this one have their control groups named for them."""
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError, ValueError):
                words = pathlib.Path("/proc", entry, "cmdline").read_text().split("\0")
                if "[lxc monitor]" in words[0] and f"{self.folder}/" in words[0]:
                    os.kill(int(entry), signal.SIGKILL)
