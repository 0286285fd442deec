"""A program for python-libjuju 3.6 that knows nothing of who serves it: controller and model by name, all else by the library.

It finds the controller in the client store (JUJU_DATA), as any script would. With `--no-machines-inside` it leaves out what
needs a machine that is really there (runs, ssh, copies). The surprise: libjuju waits without limit, so each case has its own.
"""

import argparse
import asyncio
import datetime
import filecmp
import logging
import pathlib
import subprocess
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

warnings.simplefilter("ignore")

from juju.client import client  # noqa: E402
from juju.client.connection import Connection  # noqa: E402
from juju.controller import Controller  # noqa: E402
from juju.errors import JujuAPIError, JujuError  # noqa: E402
from juju.model import Model  # noqa: E402
from juju.utils import juju_ssh_key_paths  # noqa: E402
from rig import Broken, Cases, has, same  # noqa: E402

LIMIT = 90


class Program(Cases):
    def __init__(self, options):
        super().__init__()
        self.prefix, self.controller_name, self.model_name = options.prefix, options.controller, options.model
        self.cloud = options.cloud
        self.inside = not options.no_machines_inside
        self.controller, self.model = Controller(), Model()
        self.machines = []

    async def run(self):
        for case in self.cases():
            name = f"{self.prefix}{case.__name__.replace('_', ' ')}"
            begun = time.monotonic()
            try:
                await asyncio.wait_for(case(), LIMIT)
            except asyncio.TimeoutError:
                self.broke(name, Broken(f"no end after {LIMIT} s"))
            except Exception as error:  # every failure is reported, whatever it is
                self.broke(name, error)
            else:
                self.passed(name)
                print(f"    {time.monotonic() - begun:.2f} s")
            if case in (self.connect_to_the_controller, self.connect_to_the_model) and self.failed:
                return  # nothing else can be tried

    def cases(self):
        yield self.connect_to_the_controller
        yield self.connect_to_the_model
        yield self.connect_with_wrong_words
        yield self.read_the_model
        yield self.change_the_model_config
        yield self.change_the_model_constraints
        yield self.read_clouds_and_users
        yield self.add_a_machine
        yield self.add_a_machine_with_constraints
        yield self.read_every_property
        yield self.read_the_status
        if self.inside:
            yield self.run_on_machines
            yield self.run_past_the_timeout
            yield self.ssh_into_a_machine
            yield self.copy_to_a_machine
            yield self.copy_a_folder_both_ways
            yield self.log_in_with_another_key
            yield self.add_a_container
        yield self.annotate
        yield self.list_and_change_keys
        yield self.name_networks
        yield self.be_told_of_another_clients_machine
        yield self.add_and_destroy_a_model
        yield self.refuse_what_makes_no_sense
        yield self.destroy_a_machine
        yield self.destroy_a_machine_by_force
        yield self.disconnect

    # Connecting

    async def connect_to_the_controller(self):
        await self.controller.connect(self.controller_name)
        same(self.controller.controller_name, self.controller_name, "controller name")
        if not self.controller.controller_uuid:
            raise Broken("no controller uuid")
        names = await self.controller.list_models()
        has(names, "controller", "models")
        has(names, self.model_name, "models")
        info = await self.controller.info()
        if not info.results[0].addresses:
            raise Broken(f"no addresses: {info}")

    async def connect_to_the_model(self):
        other = Model()
        await other.connect(f"{self.controller_name}:admin/{self.model_name}")
        same(other.name, self.model_name, "model name")
        await other.disconnect()
        # The current model of the client store.
        await self.model.connect()
        same(self.model.name, self.model_name, "current model")

    async def connect_with_wrong_words(self):
        endpoint = self.controller.connection().endpoint
        cacert = self.controller.connection().cacert
        uuid = self.model.info.uuid

        async def refused(why, **words):
            try:
                connection = await Connection.connect(endpoint=endpoint, cacert=cacert, **words)
                await connection.close()
            except JujuAPIError as error:
                has(str(error), why, "refusal")
            else:
                raise Broken(f"connected with {words}")

        await refused("invalid entity name or password", uuid=uuid, username="admin", password="wrong")
        await refused("invalid entity name or password", uuid=uuid, username="nobody", password="wrong")
        nowhere = "00000000-1111-4222-8333-444444444444"
        params = self.controller.connection().connect_params()
        await refused("unknown model", uuid=nowhere, username=params["username"], password=params["password"])

    # Reading and setting

    async def read_the_model(self):
        info = self.model.info
        same(info.type_, "iaas", "model type")
        same(info.cloud_tag, f"cloud-{self.cloud}", "cloud")
        same(info.owner_tag, "user-admin", "owner")
        same(str(info.life), "alive", "life")
        version = str(info.agent_version)
        if not version.startswith("3.6."):
            raise Broken(f"agent version {version}")
        fetched = await self.controller.get_model(self.model_name)
        same(fetched.info.uuid, info.uuid, "uuid by get_model")
        await fetched.disconnect()

    async def change_the_model_config(self):
        config = await self.model.get_config()
        for key in ("default-base", "default-series", "agent-version", "name", "uuid", "type"):
            has(config, key, "model config")
        same(config["name"].value, self.model_name, "config name")
        if "authorized-keys" in config:
            raise Broken("authorized-keys are shown")
        await self.model.set_config({"update-status-hook-interval": "4m", "own-key": "x"})
        config = await self.model.get_config()
        same((config["update-status-hook-interval"].value, config["update-status-hook-interval"].source), ("4m", "model"), "set key")
        same((config["own-key"].value, config["own-key"].source), ("x", "model"), "unknown key")

    async def change_the_model_constraints(self):
        await self.model.set_constraints({"mem": 512})
        constraints = await self.model.get_constraints()
        same(constraints["mem"], 512, "mem")
        await self.model.set_constraints({})
        constraints = await self.model.get_constraints()
        same({key: value for key, value in (constraints or {}).items() if value not in (None, "", [], 0)}, {}, "constraints after clearing")

    async def read_clouds_and_users(self):
        same(await self.controller.get_cloud(), self.cloud, "default cloud")
        clouds = await self.controller.clouds()
        has(clouds.clouds, f"cloud-{self.cloud}", "clouds")
        one = await self.controller.cloud()
        if not one.cloud.type_:
            raise Broken(f"cloud without type: {one}")
        admin = await self.controller.get_user("admin")
        same((admin.username, admin.enabled), ("admin", True), "admin")
        same(await self.controller.get_user("nobody"), None, "unknown user")
        names = [user.username for user in await self.controller.get_users()]
        has(names, "admin", "users")

    # Machines

    async def add(self, **words):
        machine = await self.model.add_machine(**words)
        self.machines.append(machine)
        await self.model.block_until(lambda: machine.agent_status == "started", timeout=60, wait_period=0.05)
        return machine

    async def add_a_machine(self):
        machine = await self.add()
        same(machine.id, "0", "id")
        same(machine.status, "running", "instance status")
        has(self.model.machines, "0", "machines of the model")

    async def add_a_machine_with_constraints(self):
        machine = await self.add(constraints={"mem": 256, "cores": 1})
        same(machine.id, "1", "id")
        hardware = machine.safe_data["hardware-characteristics"]
        if self.inside:
            same(hardware.get("mem"), 256, "mem of the hardware")
        if self.inside:
            same(hardware.get("cpu-cores"), 1, "cores of the hardware")

    async def read_every_property(self):
        for machine in self.machines:
            same(machine.entity_id, machine.id, "entity id")
            same(machine.tag, f"machine-{machine.id}", "tag")
            same((machine.agent_status, machine.status), ("started", "running"), "statuses")
            same(machine.status_message.lower(), "running", "status message")
            for since in (machine.agent_status_since, machine.status_since):
                age = datetime.datetime.now(datetime.timezone.utc) - since
                if not datetime.timedelta(minutes=-1) < age < datetime.timedelta(minutes=30):
                    raise Broken(f"since {since}")
            same((machine.life, machine.safe_data["life"]), ("alive", "alive"), "life")
            version = machine.agent_version
            same((version.major, version.minor), (3, 6), "agent version")
            if not machine.instance_id:
                raise Broken("no instance id")
            has(machine.base, "@", "base")
            same(machine.container_type, "", "container type")
            same(machine.jobs, ["JobHostUnits"], "jobs")
            same(machine.safe_data["model-uuid"], self.model.info.uuid, "model of the machine")
            if not machine.addresses:
                raise Broken("no addresses")
            for address in machine.addresses:
                for key in ("value", "type", "scope"):
                    has(address, key, "address")
            if not machine.dns_name:
                raise Broken(f"no usable address among {machine.addresses}")
            if self.inside and not machine.hostname:
                raise Broken("no hostname")
            try:
                machine.series  # noqa: B018
            except KeyError:
                pass  # as with the original: 3.6 sends no series
            if not machine.connected or machine.dead or not machine.alive:
                raise Broken("not alive")

    async def read_the_status(self):
        status = await self.model.get_status()
        same(sorted(status.machines), [machine.id for machine in self.machines], "machines of status")
        for id_, one in status.machines.items():
            same((one.id_, one.agent_status.status, one.instance_status.status), (id_, "started", "running"), "status")
            same(one.dns_name, self.model.machines[id_].dns_name, "address in status")
        same(status.model.name, self.model_name, "model of status")
        only = await self.model.get_status(filters=["1"])
        same(sorted(only.machines), ["1"], "filtered machines")

    # On machines

    async def run_all(self, command, machines, seconds=30):
        facade = client.ActionFacade.from_connection(self.model.connection())
        result = await facade.Run(
            applications=[], commands=command, machines=machines, units=[], timeout=seconds * 10**9, parallel=None, execution_group=None,
            workload_context=None,
        )
        outputs = {}
        for one in result.actions:
            if one.error:
                raise Broken(f"not run: {one.error}")
            tag = one.action.tag
            outputs[one.action.receiver] = await self.model.get_action_output(tag.removeprefix("action-"), wait=seconds + 10)
        return outputs

    async def run_one(self, machine, command, seconds=30):
        outputs = await self.run_all(command, [machine], seconds)
        return outputs[f"machine-{machine}"]

    async def run_on_machines(self):
        outputs = await self.run_all("hostname; id -un; echo to-stderr >&2", ["0", "1"])
        same(sorted(outputs), ["machine-0", "machine-1"], "receivers")
        for id_ in ("0", "1"):
            said = outputs[f"machine-{id_}"]
            same(said["return-code"], 0, "return code")
            same(said["stdout"], f"{self.model.machines[id_].hostname}\nubuntu\n", "stdout")
            same(said["stderr"], "to-stderr\n", "stderr")
        said = await self.run_one("0", "sudo -n id -u; exit 7")
        same((said["return-code"], said["stdout"]), (7, "0\n"), "exit code and root by sudo")

    async def run_past_the_timeout(self):
        facade = client.ActionFacade.from_connection(self.model.connection())
        begun = time.monotonic()
        result = await facade.Run(commands="sleep 600", machines=["0"], units=[], applications=[], timeout=10**9)
        tag = result.actions[0].action.tag
        await self.model.get_action_output(tag.removeprefix("action-"), wait=30)
        ended = (await facade.Actions(entities=[{"tag": tag}])).results[0]
        same(ended.status, "failed", "status of a run past its timeout")
        if time.monotonic() - begun > 15:
            raise Broken(f"ended only after {time.monotonic() - begun:.0f} s")

    async def ssh_into_a_machine(self):
        machine = self.machines[0]
        same((await machine.ssh("hostname", wait_for_active=True, timeout=30)).strip(), machine.hostname, "hostname by ssh")
        same(await machine.ssh("id -un && sudo -n id -u"), "ubuntu\n0\n", "users by ssh")
        same(await machine.ssh("printf '%s' \"$0 $HOME\" | tr -d '\\n'"), "bash /home/ubuntu", "shell and home")
        big = await machine.ssh("head -c 3000000 /dev/zero | tr '\\0' x")
        same(len(big), 3000000, "length of a long answer")

    async def copy_to_a_machine(self):
        machine = self.machines[1]
        here = pathlib.Path("sent.bin")
        here.write_bytes(bytes(range(256)) * 8000)
        await machine.scp_to(str(here), "/home/ubuntu/sent.bin")
        back = pathlib.Path("back.bin")
        await machine.scp_from("/home/ubuntu/sent.bin", str(back))
        if not filecmp.cmp(here, back, shallow=False):
            raise Broken("came back changed")
        said = await machine.ssh("stat -c '%U %s' sent.bin")
        same(said.strip(), f"ubuntu {here.stat().st_size}", "owner and size")

    async def copy_a_folder_both_ways(self):
        machine = self.machines[0]
        tree = pathlib.Path("tree")
        (tree / "below" / "empty").mkdir(parents=True)
        (tree / "below" / "file with blanks.txt").write_text("härter\n")
        (tree / "program").write_text("#!/bin/sh\necho ran\n")
        (tree / "program").chmod(0o755)
        await machine.scp_to(str(tree), "/tmp/", scp_opts="-r -p")
        same(await machine.ssh("/tmp/tree/program; cat '/tmp/tree/below/file with blanks.txt'"), "ran\nhärter\n", "copied program")
        await machine.scp_from("/tmp/tree", "tree-back", scp_opts=["-r"])
        found = sorted(str(path.relative_to("tree-back")) for path in pathlib.Path("tree-back").rglob("*"))
        same(found, sorted(str(path.relative_to(tree)) for path in tree.rglob("*")), "tree that came back")

    async def log_in_with_another_key(self):
        machine = self.machines[0]
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guest@elsewhere", "-f", "guest"], check=True, stdin=subprocess.DEVNULL)
        public = pathlib.Path("guest.pub").read_text().strip()
        words = ["ssh", "-i", "guest", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-q"]

        async def answer(wanted, what):
            deadline = time.monotonic() + 20
            while True:
                process = await asyncio.create_subprocess_exec(
                    *words, f"ubuntu@{machine.dns_name}", "echo in", stdin=subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
                )
                out, _ = await process.communicate()
                if (out == b"in\n") is wanted:
                    return
                if time.monotonic() > deadline:
                    raise Broken(what)
                await asyncio.sleep(0.2)

        await answer(False, "a key nobody added is let in")
        await self.model.add_ssh_key("admin", public)
        await answer(True, "an added key is not let in")
        # The client makes the fingerprint from the whole key.
        await self.model.remove_ssh_key("admin", public)
        await answer(False, "a removed key is still let in")

    # The rest

    async def annotate(self):
        machine = self.machines[0]
        same(await machine.get_annotations() or {}, {}, "annotations of a new machine")
        await machine.set_annotations({"owner": "tests", "rack": "7"})
        same(await machine.get_annotations(), {"owner": "tests", "rack": "7"}, "annotations")
        await machine.set_annotations({"rack": ""})
        same(await machine.get_annotations(), {"owner": "tests"}, "annotations after taking one away")
        await self.model.set_annotations({"team": "blue"})
        same(await self.model.get_annotations(), {"team": "blue"}, "annotations of the model")

    async def list_and_change_keys(self):
        own = pathlib.Path(juju_ssh_key_paths()[0]).read_text().split()[:2]
        before = (await self.model.get_ssh_key(raw_ssh=True)).results[0].result or []
        # The client's own key is hidden: it must not be removed by mistake.
        if any(own[1] in key for key in before):
            raise Broken("the client's own key is listed")
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0yOKkNPwyTHqJIKuNfAwTtUmXq0LVzZQv2gAhPDR9p someone@somewhere"
        added = await self.model.add_ssh_key("admin", key)
        if added.results[0].error:
            raise Broken(f"not added: {added.results[0].error.message}")
        listed = (await self.model.get_ssh_key(raw_ssh=True)).results[0].result
        same(listed, [*before, key], "keys")
        short = (await self.model.get_ssh_key(raw_ssh=False)).results[0].result[-1]
        has(short, "someone@somewhere", "short form")
        await self.model.remove_ssh_key("admin", key)
        after = (await self.model.get_ssh_key(raw_ssh=True)).results[0].result or []
        same(after, before, "keys at the end")

    async def name_networks(self):
        made = await self.model.add_space("webs")
        same([one.error for one in made.results], [None], "errors")
        try:
            await self.model.add_space("webs", cidrs=[])
        except JujuError as error:
            has(str(error), "already exists", "refusal")
        else:
            raise Broken("two spaces of one name")
        spaces = {space.name: space for space in await self.model.get_spaces()}
        same(sorted(spaces), ["alpha", "webs"], "spaces")
        same((spaces["webs"].subnets, spaces["alpha"].id_), ([], "0"), "webs, alpha")
        machine = next(iter(self.model.machines.values()))
        same({address["space-name"] for address in machine.safe_data["addresses"]}, {"alpha"}, "spaces of its addresses")

    async def be_told_of_another_clients_machine(self):
        other = Model()
        await other.connect(f"{self.controller_name}:admin/{self.model_name}")
        try:
            machine = await other.add_machine()
            number = machine.id
            await self.model.block_until(lambda: number in self.model.machines, timeout=10, wait_period=0.05)
            await machine.destroy(force=True)
            await self.model.block_until(lambda: number not in self.model.machines, timeout=60, wait_period=0.05)
        finally:
            await other.disconnect()

    async def add_and_destroy_a_model(self):
        model = await self.controller.add_model("second", cloud_name=self.cloud)
        try:
            same(model.name, "second", "name")
            machine = await model.add_machine()
            same(machine.id, "0", "first id of a new model")
            await model.block_until(lambda: machine.agent_status == "started", timeout=60, wait_period=0.05)
            if self.inside:
                same((await machine.ssh("id -un", wait_for_active=True)).strip(), "ubuntu", "user in the other model")
        finally:
            await model.disconnect()
        try:
            await self.controller.add_model("second", cloud_name=self.cloud)
        except JujuError as error:
            has(str(error), "already exists", "refusal of the same name")
        else:
            raise Broken("a second model of the same name was made")
        has(await self.controller.list_models(), "second", "models")
        await self.controller.destroy_models("second", destroy_storage=True, force=True, max_wait=60)
        deadline = time.monotonic() + 60
        while "second" in await self.controller.list_models():
            if time.monotonic() > deadline:
                raise Broken("the model is still listed after 60 s")
            await asyncio.sleep(0.1)

    async def add_a_container(self):
        host = self.machines[0]
        inner = await self.model.add_machine(spec=f"lxd:{host.id}")
        # One that is gone does not tell it any more.
        number = inner.id
        try:
            same(number, f"{host.id}/lxd/0", "id")
            await self.model.block_until(lambda: inner.agent_status == "started", timeout=60, wait_period=0.05)
            same(inner.safe_data["container-type"], "lxd", "type")
            same((await inner.ssh("hostname", wait_for_active=True)).strip(), inner.safe_data["instance-id"], "host name")
            status = await self.model.get_status()
            same(sorted(status.machines[host.id].containers), [number], "what is on the host")
            same(number in status.machines, False, "the status has it at the top")
        finally:
            await inner.destroy()
            await self.model.block_until(lambda: number not in self.model.machines, timeout=60, wait_period=0.05)

    async def refuse_what_makes_no_sense(self):
        for words, why in [
            ({"spec": "lxd:99"}, "99"),
            ({"spec": "#:7"}, "invalid model name"),
            ({"constraints": {"mem": -50}}, ""),
            ({"constraints": {"mem": "much"}}, ""),
        ]:
            try:
                await asyncio.wait_for(self.model.add_machine(**words), 10)
            except asyncio.TimeoutError as error:
                raise Broken(f"{words}: accepted, or no answer") from error
            except (JujuError, ValueError, Exception) as error:
                has(str(error), why, f"refusal of {words}")
            else:
                raise Broken(f"{words}: accepted")
        status = await self.model.get_status()
        same(sorted(status.machines), [machine.id for machine in self.machines], "machines after refusals")

    async def destroy_a_machine(self):
        machine = self.machines.pop(0)
        number = machine.id
        await machine.destroy()
        await self.model.block_until(lambda: number not in self.model.machines, timeout=60, wait_period=0.05)
        same(sorted((await self.model.get_status()).machines), [one.id for one in self.machines], "machines of status")

    async def destroy_a_machine_by_force(self):
        while self.machines:
            await self.machines.pop().destroy(force=True)
        await self.model.block_until(lambda: not self.model.machines, timeout=60, wait_period=0.05)
        same(self.model.machines, {}, "machines")
        same((await self.model.get_status()).machines, {}, "machines of status")

    async def disconnect(self):
        await self.model.disconnect()
        await self.controller.disconnect()


def main():
    logging.basicConfig(level=logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("controller")
    parser.add_argument("model")
    parser.add_argument("--cloud", default="builtin")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--no-machines-inside", action="store_true")
    program = Program(parser.parse_args())
    asyncio.run(program.run())
    program.end()


if __name__ == "__main__":
    main()
