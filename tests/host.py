"""What a host looks like: everything that a controller or a machine could leave behind, as sets that can be compared.

Knows nothing of the product but the words its processes and folders bear. The surprise: it compares the whole host, so
whatever else changes mounts, links or rules at the same moment shows up too.
"""

import os
import re
import shutil
import subprocess
import time

# Folders whose entries are compared by name.
FOLDERS = [
    "/etc", "/etc/systemd/system", "/etc/netns", "/etc/sudoers.d", "/etc/sysctl.d", "/home", "/opt", "/root", "/root/.local/share", "/run",
    "/run/netns", "/srv", "/usr/local/bin", "/usr/local/sbin", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/tmp", "/dev/shm", "/dev/mapper",
]
# Folders where others come and go: only entries with our words count.
SHARED = ["/tmp", "/var/tmp", "/run/lock", "/dev"]
WORDS = re.compile(r"grigri|juju")
SYSCTLS = [
    "net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/default/forwarding", "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/default/rp_filter", "net/ipv4/conf/all/route_localnet", "net/ipv4/conf/default/route_localnet", "net/ipv4/conf/all/proxy_arp",
    "net/ipv6/conf/all/forwarding", "net/ipv6/conf/default/forwarding", "net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/default/disable_ipv6",
    "net/ipv4/neigh/default/gc_thresh1", "net/ipv4/neigh/default/gc_thresh2", "net/ipv4/neigh/default/gc_thresh3",
    "net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables", "kernel/pid_max", "kernel/keys/maxkeys", "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches", "fs/file-max", "vm/max_map_count", "user/max_user_namespaces",
]


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def listing(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def mounts():
    found = set()
    for line in read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        found.add(f"{left.split()[4]} {' '.join(right.split()[:2])}")
    return found


def links():
    return {line.split(":")[0].strip() for line in read("/proc/net/dev").splitlines()[2:]}


def routes():
    found = set()
    for line in read("/proc/net/route").splitlines()[1:]:
        words = line.split()
        found.add(f"4 {words[0]} {words[1]} {words[2]} {words[7]}")
    for line in read("/proc/net/ipv6_route").splitlines():
        words = line.split()
        found.add(f"6 {words[9]} {words[0]}/{words[1]} {words[4]}")
    return found


def policy_rules():
    return {line.strip() for line in output("ip", "rule", "list").splitlines()}


def filter_rules():
    found = set()
    for line in output("nft", "list", "ruleset").splitlines():
        found.add("nft " + re.sub(r"counter packets \d+ bytes \d+", "counter", line.strip()))
    for program in ["iptables-save", "iptables-legacy-save", "ip6tables-save"]:
        table = ""
        for line in output(program).splitlines():
            if line.startswith("*"):
                table = line
            elif line.startswith(("-", ":")):
                # An empty table appears by mere listing; only what differs from the built-in state counts.
                line = re.sub(r"\[\d+:\d+\]", "", line).strip()
                if not re.fullmatch(r":[A-Z]+ ACCEPT", line):
                    found.add(f"{program} {table} {line}")
    return {line for line in found if line not in ("nft ", "nft }")}


def output(*words):
    if not shutil.which(words[0]):
        return ""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout


def sysctls():
    return {f"{name}={read('/proc/sys/' + name).strip()}" for name in SYSCTLS if os.path.exists("/proc/sys/" + name)}


def cgroups():
    """Control groups with our words in their path: every service and session of the host has some that come and go."""
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup") if WORDS.search(folder)}


def namespaces():
    """Network, mount and pid namespaces in which some process lives."""
    found = set()
    for pid in filter(str.isdigit, listing("/proc")):
        for kind in ("net", "mnt", "pid"):
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                pass
    return found


def processes():
    """Processes that bear our words in their program or arguments; not those that merely hold this test's folder in them."""
    found = set()
    for pid in filter(str.isdigit, listing("/proc")):
        words = read(f"/proc/{pid}/cmdline").split("\0")
        try:
            program = os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
        except OSError:
            continue
        name = os.path.basename(words[0])
        if program == "grigri" or WORDS.search(name) or WORDS.search(read(f"/proc/{pid}/comm")):
            found.add(f"{pid} {' '.join(words).strip()}")
    return found


def entries():
    found = {f"{folder}/{name}" for folder in FOLDERS for name in listing(folder)}
    found |= {f"{folder}/{name}" for folder in SHARED for name in listing(folder) if WORDS.search(name)}
    found |= {f"/sys/block/{name}" for name in listing("/sys/block")}
    # The store's lock file stays, as the stock command's does; OpenSSH makes its own folder for known hosts.
    return {path for path in found if not re.search(r"/grigri-test-|^/tmp/bash_jobs|^/tmp/juju-store-lock-|^/root/\.ssh$", path)}


def accounts():
    return {f"{file}: {line}" for file in ("/etc/passwd", "/etc/group") for line in read(file).splitlines()}


PARTS = {
    "mount": mounts, "link": links, "route": routes, "policy rule": policy_rules, "filter rule": filter_rules, "sysctl": sysctls,
    "cgroup": cgroups, "namespace": namespaces, "process": processes, "entry": entries, "account": accounts,
}


def snapshot():
    return {name: part() for name, part in PARTS.items()}


def at_rest(within=20.0):
    """The host once a second passes without a difference: what ran before may still be going away."""
    deadline = time.monotonic() + within
    seen = snapshot()
    while True:
        time.sleep(1)
        now = snapshot()
        if not differences(seen, now) or time.monotonic() > deadline:
            return now
        seen = now


def differences(before, after):
    found = []
    for name in PARTS:
        found += [f"new {name} {what}" for what in sorted(after[name] - before[name])]
        # A process or a namespace of somebody else may end meanwhile.
        if name not in ("process", "namespace"):
            found += [f"lost {name} {what}" for what in sorted(before[name] - after[name])]
    return found


def settled(before, within=20.0):
    """The differences once there are none, or those that are left when the time is over."""
    deadline = time.monotonic() + within
    while True:
        found = differences(before, snapshot())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)
