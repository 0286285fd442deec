"""A real cluster of two servers: two daemons, each in a network of its own, that a cable joins, on one bridge that a name server of the test gives
addresses on.

The surprise: members share images and configuration, yet each has its own part of a pool, and nothing of one is seen on the other but by asking.
"""

import subprocess

from account import NOTHING, PATIENCE, cloud, instances, left
from rig import has, same, until
from server import Server, tiny, wrapper

BRIDGE = "clusterbr0"
# Seconds until a silent member counts as away; the least that the servers allow.
AWAY = 11


class Member(Server):
    """One of the two: `one` begins the cluster, `two` joins it."""

    def __init__(self, kind, number, name, first=None):
        super().__init__(kind, number, f"{kind}-{name}")
        self.name, self.first = name, first
        self.address = f"10.151.{number}.{2 if first else 1}"

    def ip(self, *words):
        subprocess.run(["ip", "-n", self.netns, *words], check=True)

    def set_up(self):
        self.ip("link", "add", BRIDGE, "type", "bridge")
        self.ip("addr", "add", f"{self.address}/24", "dev", BRIDGE)
        self.ip("link", "set", BRIDGE, "up")
        cluster = {"enabled": True, "server_name": self.name}
        if not self.first:
            self.dhcp()
            self.preseed({
                "config": {"core.https_address": f"{self.address}:8443", "images.auto_update_interval": "0"},
                "cluster": cluster,
                "storage_pools": [{"name": "default", "driver": "dir"}],
                "profiles": [{"name": "default", "devices": {
                    "root": {"path": "/", "pool": "default", "type": "disk"},
                    "eth0": {"name": "eth0", "nictype": "bridged", "parent": BRIDGE, "type": "nic"},
                }}],
            })
            self.client("config", "set", "cluster.offline_threshold", str(AWAY))
            self.bring("alpine", "3.20", tiny(), "alpine/3.20")
            return
        self.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.first.netns)
        for end in (self, self.first):
            end.ip("link", "set", "cable", "master", BRIDGE, "up")
        token = self.first.client("cluster", "add", self.name).stdout.split()[-1]
        pool = {"entity": "storage-pool", "name": "default", "key": "source", "value": ""}
        self.preseed({"cluster": {**cluster, "server_address": f"{self.address}:8443", "cluster_token": token, "member_config": [pool]}})

    def dhcp(self):
        """Ends with all else in its network."""
        net = self.address.rsplit(".", 1)[0]
        subprocess.run(
            ["ip", "netns", "exec", self.netns, "dnsmasq", "--conf-file=/dev/null", "--port=0", f"--interface={BRIDGE}", "--bind-interfaces",
             "--except-interface=lo", f"--dhcp-range={net}.50,{net}.200,1h", f"--dhcp-option=3,{self.address}", "--leasefile-ro",
             f"--pid-file={self.folder}/dnsmasq.pid"],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )


def part(rig, one, two, cases):
    kind = one.kind
    cloud(rig, one)
    placed = lambda: {name: one.query(f"/1.0/instances/{name}")["location"] for name in instances(one)}  # noqa: E731
    add = lambda *words: rig.grigri("add-machine", "--base", "alpine@3.20", *words)  # noqa: E731
    with cases.case(f"{kind}: a machine goes to the member that is wished for"):
        add("zone=two")
        machine = rig.started(1, within=PATIENCE)["0"]
        same(placed(), {machine["instance-id"]: "two"}, "members")
        has(machine["hardware"], "availability-zone=two", "hardware")
        has(rig.grigri("show-machine", "0").out, "availability-zone=two", "show-machine")
        same(rig.grigri("exec", "--machine", "0", "--", "id -un").out, "ubuntu\n", "output")
        has(rig.grigri("add-machine", "zone=three", ok=False).err, "there are one, two", "refusal")
        has(rig.grigri("add-machine", "--constraints", "zones=three", ok=False).err, "no zone three here: there are one, two", "refusal")
    with cases.case(f"{kind}: others are spread over both"):
        # A member's name alone is the same wish.
        add("two")
        add("-n", "2")
        machines = rig.started(4, within=PATIENCE)
        same(sorted(placed().values()), ["one", "one", "two", "two"], "members")
        seen = {name: location for name, location in placed().items()}
        for machine in machines.values():
            has(machine["hardware"], f"availability-zone={seen[machine['instance-id']]}", "hardware")
    machines = rig.status()["machines"]
    away = sorted(id for id, machine in machines.items() if "availability-zone=two" in machine["hardware"])
    two.stop()
    try:
        until("it is away", lambda: offline(one) == ["two"], PATIENCE)
        with cases.case(f"{kind}: of a member that is away no machine is forgotten, and they say so"):
            told = lambda id: rig.status()["machines"][id]["machine-status"].get("message")  # noqa: E731
            until("all say so", lambda: {told(id) for id in away} == {"member two does not answer"}, PATIENCE, lambda: rig.grigri("status", ok=None))
            same({id: one["instance-id"] for id, one in rig.status()["machines"].items()}, {id: one["instance-id"] for id, one in machines.items()}, "machines")
            same(rig.grigri("leaks", "--format", "json").json()["leaks"], [], "leaks")
        with cases.case(f"{kind}: it takes no machine meanwhile, and one that is removed from it is waited for"):
            added = add().err.split()[-1]
            until("it runs", lambda: rig.status()["machines"][added]["juju-status"]["current"] == "started", PATIENCE, lambda: rig.grigri("status", ok=None))
            has(rig.status()["machines"][added]["hardware"], "availability-zone=one", "hardware")
            rig.grigri("remove-machine", away[0], "--no-prompt")
            until("it says what it waits for", lambda: rig.grigri("why", away[0], "--format", "json").json()["waits-for"], PATIENCE)
    finally:
        two.start()
    with cases.case(f"{kind}: when it is back its machines are, and what was to go goes"):
        until("it is back", lambda: offline(one) == [], PATIENCE)
        rest = rig.started(4, within=PATIENCE)
        same(sorted(placed()), sorted(machine["instance-id"] for machine in rest.values()), "instances")
        until("it answers", lambda: rig.grigri("exec", "--machine", away[1], "--", "true", ok=None).code == 0, PATIENCE)
    with cases.case(f"{kind}: machines go from both"):
        rig.grigri("remove-machine", *sorted(rest)[:3], "--no-prompt")
        rig.started(1, within=PATIENCE)
        same(len(placed()), 1, "instances")
    with cases.case(f"{kind}: destroy-controller leaves nothing on either"):
        rig.grigri("destroy-controller", "lab", "--destroy-all-models", "--no-prompt", timeout=PATIENCE)
        same(left(one), NOTHING, "what is left")


def offline(server):
    return [one["server_name"] for one in server.query("/1.0/cluster/members?recursion=1") if one["status"].lower() != "online"]
