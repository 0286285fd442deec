"""A random day on a real server: wishes at machines of the small image, the controller killed, instances deleted behind its back, the server's daemon
ended in the midst of work. Nothing hangs, nothing is left but what was forced away.

It must not look at what the product believes: what is left is asked of the server. The surprise: the daemon is killed only with SOAK_KILLS=1, and
machines are on the pool of plain folders: LXD 5.0.2 that ends while it deletes a subvolume of btrfs may never be able to delete it, whoever asks.
SOAK_SECONDS (40), SOAK_SEED.
"""

import os

from account import NOTHING, PATIENCE, cloud, instances, left
from rig import same
from server import tiny, wrapper
from wishes import LONGEST, Day, leaks, seconds

BASE = "alpine@3.20"


class ServersDay(Day):
    most_models, most_machines = 2, 4
    add_model = ("box", "--credential", "me")
    add = ("--base", BASE, "--constraints", "root-disk-source=plain")
    removals = ([], [], ["--force"], ["--force", "--no-wait"], ["--keep-instance"])

    def __init__(self, rig, uuid, server):
        super().__init__(rig, uuid)
        self.server, self.blows = server, 0
        # Names of instances, and of models: what was forced away may be left, what was deleted may be missed, what was kept runs on.
        self.forced, self.deleted, self.kept = set(), set(), set()

    def uuid_of(self, model):
        """None: it is gone."""
        models = self.rig.grigri("models", "--format", "json", timeout=LONGEST).json()["models"]
        return next((one["model-uuid"] for one in models if one["short-name"] == model), None)

    def removes(self, model, machine, how):
        name = f"juju-{(self.uuid_of(model) or 'gone')[-6:]}-{machine}"
        if "--force" in how:
            self.forced.add(name)
        if "--keep-instance" in how:
            self.kept.add(name)
        super().removes(model, machine, how)

    def destroys(self, model, how):
        if how:
            uuid = self.uuid_of(model) or "gone"
            self.forced |= {f"juju-{uuid[-6:]}-", f"juju-{model}-{uuid[:6]}"}
        super().destroys(model, how)

    def blow(self):
        self.blows += 1
        self.dice.choice([self.killed, self.deletes, self.daemon_ends])()

    def deletes(self):
        """Somebody deletes an instance that is ours."""
        there = [name for name in instances(self.server) if name not in self.kept]
        if there:
            name = self.dice.choice(there)
            self.wishes.append(f"{name} deleted")
            self.deleted.add(name)
            self.server.client("delete", "--force", name, ok=False)

    def daemon_ends(self):
        is_killed = self.dice.random() < 0.5 and "SOAK_KILLS" in os.environ
        self.wishes.append(f"the daemon is {'killed' if is_killed else 'stopped'}, and started again")
        self.server.restart(is_killed)
        # What is run where the server is goes by its process.
        wrapper(self.server)

    def rests(self, machine):
        # Whoever was deleted is missed, and says so, until a user removes it.
        return super().rests(machine) or machine.get("instance-id") in self.deleted

    def may_be_left(self, name):
        return any(name == one or one.endswith("-") and name.startswith(one) for one in self.forced)


def part(rig, server, cases):
    if "alpine/3.20" not in [one["name"] for one in server.query("/1.0/images/aliases?recursion=1")]:
        server.bring("alpine", "3.20", tiny(), "alpine/3.20")
    cloud(rig, server)
    uuid = rig.grigri("show-controller", "--format", "json").json()["lab"]["details"]["uuid"]
    day = ServersDay(rig, uuid, server)
    kind = server.kind
    with cases.case(f"{kind}: random wishes, and blows at controller, machines and server: no command hangs, and what waits says for what"):
        day.goes(seconds(40))
        print(f"    of these {day.blows} blows")
    with cases.case(f"{kind}: then every machine runs, or is gone, or is missed"):
        day.settles()
    with cases.case(f"{kind}: what is left over was forced away, is found and removed, once"):
        found = [(one["kind"], one["id"], one.get("model")) for one in leaks(rig, "--fix", "--no-prompt")]
        print(f"    {found}")
        missed = [one for one in found if one[0] == "machine"]
        same(len(missed) <= len(day.deleted), True, f"missed are only machines that were deleted: {missed}")
        same([one for one in found if one[0] != "machine" and not day.may_be_left(one[1])], [], "leaks that nobody forced")
        same([one["id"] for one in leaks(rig) if one["kind"] != "machine"], [], "leaks")
    with cases.case(f"{kind}: every model ends, and only what was kept is on the server"):
        day.ends()
        same(leaks(rig), [], "leaks")
        same([name for name in instances(server) if name not in day.kept], [], "instances that nobody kept")
        same(server.names("/1.0/profiles"), ["default"], "profiles")
    with cases.case(f"{kind}: destroy-controller after such a day leaves nothing"):
        rig.grigri("destroy-controller", "lab", "--destroy-all-models", "--no-prompt", timeout=PATIENCE)
        same(left(server), NOTHING, "what is left")
