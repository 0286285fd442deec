"""Containers on machines of a real LXD and a real Incus: each in a server inside the machine, which is installed there.

The surprise: machines of this suite reach no archive of packages, so their image has the files of one; where the host does not let a server be in a
container, that is said, and all that needs it is skipped.
"""

import os
import signal

from account import NOTHING, cloud, left
from rig import Broken, has, same, until
from server import image, tiny

# A server has to be installed first.
PATIENCE = 300


def find(rig, machine):
    host = rig.status().get("machines", {}).get(machine.split("/")[0]) or {}
    return host if machine.isdigit() else host.get("containers", {}).get(machine)


def started(rig, *machines):
    def look():
        found = [find(rig, machine) for machine in machines]
        for one in found:
            if one and one["machine-status"]["current"] == "provisioning error":
                raise Broken(f"{one['machine-status']}")
        return all(one and one["juju-status"]["current"] == "started" for one in found) and found

    return until(f"{' '.join(machines)} started", look, PATIENCE, lambda: rig.grigri("status", ok=None))


def gone(rig, *machines):
    until(f"{' '.join(machines)} gone", lambda: not any(find(rig, machine) for machine in machines), PATIENCE, lambda: rig.grigri("status", ok=None))


def on(rig, machine, script, ok=True):
    return rig.grigri("exec", "--machine", machine, "--", script, ok=ok).out


def within(server, host):
    """Instances that the server in a machine has, by its own word."""
    script = "for client in incus lxc; do command -v $client >/dev/null && $client list --project juju --format csv --columns ns; done"
    return server.client("exec", host, "--", "sh", "-c", script).stdout.split()


def can(server):
    """Why no server can be in a container of this host; nothing: it can."""
    with_server = ["-c", "security.nesting=true"]
    server.client("launch", "juju/debian@12/amd64", "probe", *with_server)
    try:
        script = "until systemctl is-system-running | grep -qE 'running|degraded'; do :; done; unshare -m true && unshare -Un true && ls /proc/self/ns/cgroup"
        done = server.client("exec", "probe", "--", "timeout", "60", "sh", "-c", script, ok=False)
        return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or "its system does not come up"
    finally:
        server.client("delete", "--force", "probe")


def part(rig, server, cases):
    kind = server.kind
    cloud(rig, server)
    server.bring("debian", "bookworm", image("lxd"), "juju/debian@12/amd64")
    server.bring("alpine", "3.20", tiny(), "alpine/3.20")
    why = can(server)
    if why:
        cases.skipped(f"{kind}: containers on machines", f"no server can be in a container of this host: {why}")
        return
    with cases.case(f"{kind}: a container on a machine, in a server that is installed there"):
        rig.grigri("add-machine", "--base", "debian@12")
        started(rig, "0")
        same(rig.grigri("add-machine", "lxd:0", "--base", "debian@12").err, "created container 0/lxd/0\n", "what is said")
        (one,) = started(rig, "0/lxd/0")
        host = find(rig, "0")
        same(one["instance-id"], f"{host['instance-id']}-lxd-0", "instance id")
        same(within(server, host["instance-id"]), [f"{one['instance-id']},RUNNING"], "by the inner server's word")
        same(list(host["network-interfaces"]), ["eth0"], "interfaces of its host")
    with cases.case(f"{kind}: another, small one, with wishes"):
        rig.grigri("add-machine", "lxd:0", "--base", "alpine@3.20", "--constraints", "mem=128M cores=1")
        (one,) = started(rig, "0/lxd/1")
        has(one["hardware"], "cores=1 mem=128M", "hardware")
        rig.grigri("remove-machine", "0/lxd/1", "--no-prompt")
        gone(rig, "0/lxd/1")
        same(len(within(server, find(rig, "0")["instance-id"])), 1, "instances inside")
    with cases.case(f"{kind}: a container is reached as every machine"):
        name = find(rig, "0/lxd/0")["instance-id"]
        same(on(rig, "0/lxd/0", "hostname; id -un"), f"{name}\nubuntu\n", "exec")
        same(rig.grigri("ssh", "0/lxd/0", "hostname").out.strip(), name, "ssh")
        file = rig.folder / "there.txt"
        file.write_text("hello\n")
        rig.grigri("scp", file, "0/lxd/0:")
        same(rig.grigri("ssh", "0/lxd/0", "cat", "there.txt").out, "hello\n", "scp")
        rig.grigri("add-machine", "--base", "debian@12")
        started(rig, "1")
        address = find(rig, "0/lxd/0")["dns-name"]
        # Its host is the one that does not reach it by its address.
        for machine in ("1",):
            has(on(rig, machine, f"bash -c 'exec 3<>/dev/tcp/{address}/22; head -c 7 <&3'"), "SSH-2.0", f"from {machine}")
        rig.grigri("remove-machine", "1", "--no-prompt")
        gone(rig, "1")
    with cases.case(f"{kind}: a host that reboots brings it back"):
        on(rig, "0/lxd/0", "sudo touch /run/gone; echo kept | sudo tee /kept >/dev/null")
        server.restart_instance(find(rig, "0")["instance-id"])
        fresh = lambda: rig.grigri("exec", "--machine", "0/lxd/0", "--wait", "10s", "--", "test ! -e /run/gone && cat /kept", ok=None).out == "kept\n"  # noqa: E731
        until("it is new, with its disk", fresh, PATIENCE, lambda: rig.grigri("status", ok=None))
        started(rig, "0", "0/lxd/0")
    with cases.case(f"{kind}: a controller that is killed while one starts ends what it began"):
        before = len(within(server, find(rig, "0")["instance-id"]))
        rig.grigri("add-machine", "lxd:0", "--base", "debian@12")
        number = max(find(rig, "0")["containers"])
        config = lambda: server.query(f"/1.0/instances/{find(rig, '0')['instance-id']}")["config"]  # noqa: E731
        noted = f"user.grigri-inside.{find(rig, '0')['instance-id']}-{number.split('/', 1)[1].replace('/', '-')}"
        until("its start is under way", lambda: noted in config(), PATIENCE)
        os.kill(rig.controller(), signal.SIGKILL)
        rig.grigri("start-controller", "lab")
        started(rig, number)
        same(len(within(server, find(rig, "0")["instance-id"])), before + 1, "instances inside")
        same(rig.grigri("leaks", "--format", "json").json()["leaks"], [], "leaks")
        rig.grigri("remove-machine", number, "--no-prompt")
        gone(rig, number)
        same(config().get(noted, ""), "", "its note")
    with cases.case(f"{kind}: a container that is kept runs on, and another takes its place"):
        name = find(rig, "0/lxd/0")["instance-id"]
        rig.grigri("remove-machine", "0/lxd/0", "--keep-instance", "--no-prompt")
        gone(rig, "0/lxd/0")
        same(within(server, find(rig, "0")["instance-id"]), [f"{name},RUNNING"], "by the inner server's word")
        same(rig.grigri("leaks", "--format", "json").json()["leaks"], [], "leaks")
        rig.grigri("add-machine", "lxd:0", "--base", "debian@12")
        number = max(find(rig, "0")["containers"])
        started(rig, number)
    with cases.case(f"{kind}: its host goes after it, and by force with it"):
        has(rig.grigri("remove-machine", "0", "--no-prompt", ok=False).err, number, "refusal")
        rig.grigri("remove-machine", "0", "--force", "--no-prompt")
        gone(rig, "0")
        same(server.names("/1.0/instances"), [], "instances")
    with cases.case(f"{kind}: a machine whose system has no packages says so"):
        rig.grigri("add-machine", "--base", "alpine@3.20")
        number = max(rig.status()["machines"], key=int)
        started(rig, number)
        rig.grigri("add-machine", f"lxd:{number}", "--base", "alpine@3.20")
        look = lambda: (find(rig, f"{number}/lxd/0") or {}).get("machine-status", {}).get("message", "")  # noqa: E731
        until("it says why", lambda: "no package manager" in look(), PATIENCE, lambda: rig.grigri("status", ok=None))
    with cases.case(f"{kind}: all of it ends with a controller that is dead"):
        host = str(int(number) + 1)
        rig.grigri("add-machine", "--base", "debian@12")
        started(rig, host)
        rig.grigri("add-machine", f"lxd:{host}", "--base", "debian@12")
        started(rig, f"{host}/lxd/0")
        os.kill(rig.controller(), signal.SIGKILL)
        rig.grigri("kill-controller", "lab", "--no-prompt", timeout=PATIENCE)
        same(left(server), NOTHING, "what is left")
