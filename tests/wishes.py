"""Random wishes at a real controller with real machines, and blows in the midst of them: what the suites of random days have in common.

The surprise: the wishes are the same for the same seed (SOAK_SEED, 1), what they meet is not. A day lasts SOAK_SECONDS.
"""

import json
import os
import pathlib
import random
import signal
import time

import host
from rig import PATIENCE, Broken, until

SEED = int(os.environ.get("SOAK_SEED", "1"))
# No command may take longer, whatever it meets.
LONGEST = max(PATIENCE, 60)
CONTROLLERS = pathlib.Path("/var/lib/grigri/controllers")
RESTS = ("started", "running")


def seconds(usual):
    return float(os.environ.get("SOAK_SECONDS", str(usual)))


def leaks(rig, *words, ok=True):
    return rig.grigri("leaks", "--format", "json", *words, ok=ok, timeout=LONGEST).json()["leaks"]


def pid_of(uuid):
    return int(host.read(CONTROLLERS / uuid / "controller.pid").split(" ")[0] or 0)


def alive(pid):
    return bool(pid) and os.path.exists(f"/proc/{pid}") and host.read(f"/proc/{pid}/stat").rsplit(") ")[-1][:1] not in "ZX"


class Day:
    """Random wishes, told of when something breaks. `add_model`, `add`: more words of what is wished
    for; `removals`: how machines go."""

    most_models, most_machines = 3, 8
    add_model, add = (), ()
    removals = ([], ["--force"], ["--force", "--no-wait"])

    def __init__(self, rig, uuid):
        self.rig, self.uuid, self.dice, self.wishes, self.made, self.kills = rig, uuid, random.Random(SEED), [], 0, 0

    def models(self):
        listed = self.rig.grigri("models", "--format", "json", timeout=LONGEST).json()["models"]
        return [one["short-name"] for one in listed if one["short-name"] != "controller"]

    def machines(self, model):
        """By their ids, as `status` has them; none of a model that is gone."""
        said = self.rig.grigri("status", "--format", "json", "-m", model, ok=None, timeout=LONGEST)
        return json.loads(said.out).get("machines", {}) if said.code == 0 else {}

    def wish(self, *words):
        # Half of them may be refused: others were there before.
        said = self.rig.grigri(*words, ok=None, timeout=LONGEST)
        self.wishes.append(" ".join(words) + (f": {said.err.strip()}" if said.code else ""))

    def killed(self):
        """The controller, without a word of warning, and started again."""
        self.kills += 1
        self.wishes.append("kill -9")
        pid = pid_of(self.uuid)
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
            until("it is gone", lambda: not alive(pid))
        # Where something keeps it, that may have been quicker.
        self.rig.grigri("start-controller", ok=None, timeout=LONGEST)
        until("it answers", lambda: self.rig.grigri("models", ok=None, timeout=LONGEST).code == 0, LONGEST)

    def blow(self):
        """Something that nobody wished for."""
        self.killed()

    def removes(self, model, machine, how):
        self.wish("remove-machine", "-m", model, machine, "--no-prompt", *how)

    def destroys(self, model, how):
        # It is not waited for: the client is killed as well.
        self.wishes.append(f"destroy-model {model} {how}")
        with self.rig.start("destroy-model", model, "--no-prompt", *how) as client:
            time.sleep(self.dice.random())
            client.kill()

    def step(self):
        models = self.models()
        roll = self.dice.randrange(12)
        if roll == 0 or not models:
            if len(models) < self.most_models:
                self.made += 1
                self.wish("add-model", f"m{self.made}", *self.add_model)
            return
        model = self.dice.choice(models)
        machines = sorted(self.machines(model))
        if roll <= 4:
            if len(machines) < self.most_machines:
                self.wish("add-machine", "-m", model, "-n", str(self.dice.randint(1, 3)), *self.add)
        elif roll <= 7 and machines:
            self.removes(model, self.dice.choice(machines), self.dice.choice(self.removals))
        elif roll == 8:
            self.destroys(model, self.dice.choice([[], ["--force", "--no-wait"]]))
        elif roll <= 10:
            self.blow()

    def goes(self, lasting):
        """So many seconds of it; no command hangs, and what waits says for what."""
        end = time.monotonic() + lasting
        try:
            while time.monotonic() < end:
                self.step()
                if self.dice.randrange(8) == 0:
                    silent = self.unsaid()
                    # Between two questions it may have settled; what is silent twice is silent.
                    if silent and set(silent) & set(self.unsaid()):
                        raise Broken(f"these wait and say nothing of it: {silent}")
        except Broken as broken:
            raise self.told(broken) from broken
        print(f"    {len(self.wishes)} wishes, {self.kills} kills")

    def told(self, broken):
        return Broken(f"{broken}\nafter (seed {SEED}):\n" + "\n".join(self.wishes))

    @staticmethod
    def rests(machine):
        return (machine["juju-status"]["current"], machine["machine-status"]["current"]) == RESTS

    def unsaid(self):
        """What is not settled and does not say what it waits for."""
        silent = []
        for model in self.models():
            for machine in sorted(self.machines(model)):
                said = self.rig.grigri("why", "-m", model, machine, "--format", "json", ok=None, timeout=LONGEST)
                if said.code or said.json()["waits-for"]:
                    continue
                one = self.machines(model).get(machine)
                if one and not self.rests(one):
                    silent.append(f"{model} {machine}: {one['juju-status']} {one['machine-status']}")
        return silent

    def settles(self):
        """All machines run, or are gone."""
        until(
            "all machines run", lambda: all(self.rests(one) for model in self.models() for one in self.machines(model).values()), 4 * PATIENCE,
            lambda: "\n".join([*(str(self.rig.grigri("status", "-m", model, ok=None)) for model in self.models()), str(self.told("wishes"))]),
        )

    def ends(self):
        """Every model goes."""
        for model in self.models():
            self.rig.grigri("destroy-model", model, "--no-prompt", ok=None, timeout=4 * LONGEST)
        until("no model is left", lambda: not self.models(), 4 * PATIENCE, lambda: f"{self.rig.grigri('models', ok=None)}\n{self.told('wishes')}")
