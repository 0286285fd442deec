"""A program for jubilant that knows nothing of whose `juju` is on PATH: every call it has, on one cloud that is named.

The surprise: jubilant reads words of stderr (`timed out`, `task failed`), so what is tested by exceptions here is texts.
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import jubilant  # noqa: E402
import refused  # noqa: E402
from rig import Broken, Cases, has, same  # noqa: E402

LAB = "lab"


def raises(kind, call):
    try:
        seen = call()
    except kind as error:
        return error
    raise Broken(f"no {kind.__name__}, but {seen!r}")


def started(*ids):
    """A condition for `wait`: exactly these machines, all started."""

    def ready(status):
        return set(status.machines) == set(ids) and all(one.juju_status.current == "started" for one in status.machines.values())

    return ready


class Program(Cases):
    def __init__(self, cloud):
        super().__init__()
        self.cloud = cloud
        self.juju = jubilant.Juju(wait_timeout=90)
        self.folder = pathlib.Path.cwd()

    def run(self):
        for case in (
            self.version, self.bootstrap, self.refuse_what_this_release_has_no_use_for, self.add_a_model, self.wait_and_fail_to, self.configure, self.constrain, self.show_the_model,
            self.add_machines, self.exec_on_machines, self.exec_that_fails, self.ssh, self.scp, self.keys, self.disks_and_containers,
            self.log, self.clouds_and_credentials, self.any_command, self.refuse_what_needs_applications, self.read_every_flag,
            self.remove_machines, self.models_of_a_while, self.destroy,
        ):
            before = self.failed
            with self.case(case.__name__.replace("_", " ")):
                case()
            if case in (self.bootstrap, self.add_a_model) and self.failed > before:
                return  # nothing else can be tried

    def version(self):
        seen = self.juju.version()
        same((seen.major, seen.minor), (3, 6), "version")
        for part in (seen.release, seen.arch):
            if not part or "-" in part:
                raise Broken(f"{seen}")

    def bootstrap(self):
        self.juju.bootstrap(
            self.cloud, LAB, config={"audit-log-max-backups": 2}, constraints={"cores": 1}, bootstrap_constraints={"mem": "512M"},
            model_defaults={"logging-config": "<root>=INFO"}, storage_pool={"name": "mine", "type": "loop", "reserve": "false"},
        )
        same(self.juju.model, None, "model")
        has(self.juju.cli("storage-pools", "-m", "lab:admin/controller", include_model=False), "reserve=false", "pools")
        same(self.juju.cli("controller-config", "-c", LAB, "audit-log-max-backups", include_model=False).strip(), "2", "configuration")

    def refuse_what_this_release_has_no_use_for(self):
        error = raises(jubilant.CLIError, lambda: self.juju.bootstrap(self.cloud, "other", metadata_source="/tmp"))
        same(error.returncode, 1, "exit code")
        has(error.stderr, "--metadata-source means nothing to this release", "stderr")
        error = raises(jubilant.CLIError, lambda: self.juju.bootstrap(self.cloud, "other", storage_pool={"name": "x", "type": "ceph"}))
        has(error.stderr, "ceph", "stderr")
        error = raises(jubilant.CLIError, lambda: self.juju.bootstrap(self.cloud, "other", storage_pool={"type": "loop"}))
        has(error.stderr, 'storage pool requires a "name" key to be set', "stderr")
        same("other" in self.juju.cli("controllers", include_model=False), False, "whether something is left of it")

    def add_a_model(self):
        self.juju.add_model("work", self.cloud, controller=LAB, config={"update-status-hook-interval": "7m", "automatically-retry-hooks": False})
        same(self.juju.model, "lab:work", "model")
        raises(jubilant.CLIError, lambda: jubilant.Juju().status())  # it was not switched to
        status = self.juju.status()
        same((status.model.name, status.model.type, status.model.controller, status.model.cloud), ("work", "iaas", LAB, self.cloud), "status")
        same((status.machines, status.apps), ({}, {}), "what is in it")
        has(str(status), "work", "status as a text")

    def wait_and_fail_to(self):
        self.juju.wait(jubilant.all_active, delay=0.05)
        self.juju.wait(jubilant.all_agents_idle, delay=0.05, error=jubilant.any_error)
        raises(TimeoutError, lambda: self.juju.wait(lambda _: False, timeout=0.3, delay=0.05))
        raises(jubilant.WaitError, lambda: self.juju.wait(lambda _: False, error=lambda _: True))

    def configure(self):
        seen = self.juju.model_config()
        same((seen["update-status-hook-interval"], seen["automatically-retry-hooks"], seen["logging-config"]), ("7m", False, "<root>=INFO"), "set")
        self.juju.model_config({"update-status-hook-interval": "9m", "extra-info": "a b = c"}, reset=["automatically-retry-hooks"])
        seen = self.juju.model_config()
        same((seen["update-status-hook-interval"], seen["extra-info"], seen["automatically-retry-hooks"]), ("9m", "a b = c", True), "changed")
        self.juju.model_config(reset="extra-info,update-status-hook-interval")
        same(self.juju.model_config()["update-status-hook-interval"], "5m", "as it was")

    def constrain(self):
        same(self.juju.model_constraints(), {}, "constraints")
        self.juju.model_constraints({"mem": "256M", "cores": 1})
        same(self.juju.model_constraints(), {"mem": 256, "cores": 1}, "constraints")
        self.juju.model_constraints({})
        same(self.juju.model_constraints(), {}, "constraints")

    def show_the_model(self):
        seen = self.juju.show_model()
        same((seen.name, seen.short_name, seen.controller_name, seen.cloud), ("admin/work", "work", LAB, self.cloud), "model")
        same((seen.model_type, seen.life, seen.is_controller, seen.status.current), ("iaas", "alive", False, "available"), "model")
        same(seen.users["admin"].access, "admin", "users")
        same(self.juju.show_model("lab:admin/controller").is_controller, True, "whether it is the controller's")

    def add_machines(self):
        self.juju.add_machine(num_machines=2, constraints={"mem": "256M"})
        same(set(self.juju.status().machines), {"0", "1"}, "machines, at once")
        status = self.juju.wait(started("0", "1"), delay=0.2)
        for one in status.machines.values():
            if not (one.instance_id and one.dns_name and one.hostname and one.ip_addresses and one.hardware and one.base):
                raise Broken(f"{one}")
            has(one.hardware, "mem=256M", "hardware")
            same(one.machine_status.current, "running", "machine-status")
        same(sorted(self.juju.show_model().machines), ["0", "1"], "machines of show-model")

    def exec_on_machines(self):
        task = self.juju.exec("echo out; echo err >&2", machine=0)
        same((task.stdout, task.stderr, task.return_code, task.status, task.success), ("out\n", "err\n", 0, "completed", True), "task")
        same(self.juju.exec("printf", "%s,", "a b", "$HOME", '"', machine="1").stdout, 'a b,$HOME,",', "words")
        same(self.juju.exec("true", machine=0, wait=30).stdout, "", "stdout")

    def exec_that_fails(self):
        error = raises(jubilant.TaskError, lambda: self.juju.exec("echo before; exit 3", machine=0))
        same((error.task.return_code, error.task.stdout), (3, "before\n"), "task")
        raises(TimeoutError, lambda: self.juju.exec("sleep 30", machine=0, wait=0.5))
        error = raises((ValueError, jubilant.CLIError), lambda: self.juju.exec("true", machine=99))
        has(str(error), "99", "error")

    def ssh(self):
        same(self.juju.ssh(0, "echo MACHINE"), "MACHINE\n", "stdout")
        same(self.juju.ssh("1", "whoami"), "ubuntu\n", "user")
        same(self.juju.ssh("1", "echo", "two", "words", user="ubuntu", host_key_checks=False), "two words\n", "stdout")
        same(self.juju.ssh("1", "echo", "opts", ssh_options=["-o", "LogLevel=ERROR", "-C"]), "opts\n", "stdout")
        same(raises(jubilant.CLIError, lambda: self.juju.ssh(0, "exit 7")).returncode, 7, "exit code")

    def scp(self):
        (self.folder / "there").mkdir()
        (self.folder / "there" / "file").write_text("content\n")
        self.juju.scp(self.folder / "there" / "file", "0:/tmp/copied")
        same(self.juju.ssh(0, "cat /tmp/copied"), "content\n", "copy")
        self.juju.scp("there", "ubuntu@1:/tmp/folder", host_key_checks=False, scp_options=["-r", "-C"])
        self.juju.scp("1:/tmp/folder/file", self.folder / "back")
        same((self.folder / "back").read_text(), "content\n", "what came back")
        same(raises(jubilant.CLIError, lambda: self.juju.scp("0:/none", "back")).returncode != 0, True, "whether it failed")

    def keys(self):
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@here", "-f", key], check=True)
        line = pathlib.Path(f"{key}.pub").read_text().strip()
        self.juju.add_ssh_key(line)
        has(self.juju.cli("ssh-keys"), "me@here", "keys")
        self.juju.add_ssh_key(line)  # told on stderr only
        options = ["-i", str(key), "-o", "IdentitiesOnly=yes"]
        deadline = time.monotonic() + 30
        while True:  # a key reaches machines a moment later
            try:
                same(self.juju.ssh(0, "echo in", ssh_options=options), "in\n", "stdout")
                break
            except jubilant.CLIError:
                if time.monotonic() > deadline:
                    raise
        self.juju.remove_ssh_key(line)
        same("me@here" in self.juju.cli("ssh-keys"), False, "whether it is there still")
        self.juju.remove_ssh_key("me@here")  # told on stderr only

    def disks_and_containers(self):
        base = self.juju.status().machines["0"].base
        self.juju.add_machine(disks="loop,64M", base=f"{base.name}@{base.channel}")
        self.juju.add_machine("lxd:0")
        status = self.juju.wait(
            lambda status: started("0", "1", "2")(status)
            and [one.juju_status.current for one in status.machines["0"].containers.values()] == ["started"],
            delay=0.2,
        )
        same(list(status.machines["0"].containers), ["0/lxd/0"], "containers")
        same([one.size for one in status.storage.volumes.values()] or [one.size for one in status.storage.filesystems.values()], [64], "sizes")
        same(self.juju.exec("echo inside", machine="0/lxd/0").stdout, "inside\n", "stdout")
        same(self.juju.ssh("0/lxd/0", "echo inside"), "inside\n", "stdout")

    def log(self):
        lines = self.juju.debug_log(limit=3).splitlines()
        same(0 < len(lines) <= 3, True, f"whether {lines} is at most three")
        has(self.juju.debug_log(), lines[-1].split()[-1], "the whole log")

    def clouds_and_credentials(self):
        cloud = {"clouds": {"far": {"type": "manual", "endpoint": "user@far.invalid", "regions": {"default": {}}}}}
        self.juju.add_cloud("far", cloud, client=True)
        cloud["clouds"]["far"]["endpoint"] = "user@farther.invalid"
        self.juju.update_cloud("far", cloud, client=True)
        has(self.juju.cli("show-cloud", "--client", "far", include_model=False), "user@farther.invalid", "cloud")
        path = self.folder / "cloud.yaml"
        path.write_text("clouds: {shelf: {type: lxd, auth-types: [certificate], endpoint: 'https://192.0.2.9:8443'}}")
        self.juju.add_cloud("shelf", path, client=True)
        has(self.juju.cli("show-cloud", "--client", "shelf", include_model=False), "https://192.0.2.9:8443", "cloud")
        self.juju.add_credential("far", {"credentials": {"far": {"mine": {"auth-type": "empty"}}}}, client=True)
        has(self.juju.cli("credentials", "--client", "--format", "json", include_model=False), '"mine"', "credentials")
        for name in ("far", "shelf"):
            self.juju.cli("remove-cloud", "--client", name, include_model=False)

    def any_command(self):
        has(self.juju.cli("models", "-c", LAB, "--format", "json", include_model=False), '"admin/work"', "models")
        has(self.juju.cli("machines", "--format", "yaml"), "juju-status", "machines")
        error = raises(jubilant.CLIError, lambda: self.juju.cli("status", "--no-such-flag"))
        same(error.returncode, 2, "exit code")
        raises(jubilant.CLIError, lambda: jubilant.Juju(model="lab:none").status())
        elsewhere = jubilant.Juju(model="lab:admin/controller", cli_binary="juju")
        same(elsewhere.status().model.name, "controller", "model")
        # What a command reads on its standard input.
        self.juju.cli("add-user", "-c", LAB, "bob", include_model=False)
        self.juju.cli("remove-user", "-c", LAB, "bob", include_model=False, stdin="y\n")

    def refuse_what_needs_applications(self):
        refused.all_refused(self.juju)

    def read_every_flag(self):
        for name, text in refused.every_flag(self.juju):
            print(f"    {name}: {text.strip().splitlines()[-1]}")

    def remove_machines(self):
        self.juju.cli("remove-machine", "--no-prompt", "--force", "0", "2")
        self.juju.wait(started("1"), delay=0.2)

    def models_of_a_while(self):
        inner = jubilant.Juju()
        inner.add_model("short", controller=LAB)
        inner.add_machine()
        inner.wait(started("0"), delay=0.2)
        inner.destroy_model("lab:short", destroy_storage=True, force=True, timeout=30)
        same(inner.model, None, "model")
        with jubilant.temp_model(controller=LAB) as inner:
            same(inner.status().machines, {}, "machines")
            name = inner.model
        same(name.split(":")[1] in self.juju.cli("models", "-c", LAB, include_model=False), False, "whether it is there still")

    def destroy(self):
        self.juju.destroy_model("lab:work", release_storage=True)
        same(self.juju.model, None, "model")
        self.juju.cli("destroy-controller", LAB, "--no-prompt", "--destroy-all-models", include_model=False)


def main():
    program = Program(sys.argv[1])
    program.run()
    program.end()


main()
