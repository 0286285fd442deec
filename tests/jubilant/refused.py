"""Calls of jubilant that need what machines alone do not have: with every flag it can write, each is refused by its own reason.

The surprise: a line that were refused as one that cannot be read would end with 2; these are read, so they end with 1.
"""

import jubilant
from rig import Broken, has, same


def refused(what, call, *parts):
    """The call ends with exit code 1, and its stderr has these parts."""
    try:
        seen = call()
    except jubilant.CLIError as error:
        same(error.returncode, 1, f"exit code of {what}; stderr: {error.stderr!r}")
        for part in parts:
            has(error.stderr, part, f"stderr of {what}")
        return error
    raise Broken(f"{what} is not refused: {seen!r}")


def of_applications(juju):
    """Name of the command, and the call with every argument it takes."""
    yield "add-unit", lambda: juju.add_unit("web", attach_storage=["data/0", "data/1"], num_units=2, to=["0", "lxd:1"])
    yield "config", lambda: juju.config("web")
    yield "config", lambda: juju.config("web", app_config=True)
    yield "config", lambda: juju.config("web", {"a": 1, "b": True, "c": "x y"}, reset=["d", "e"])
    yield "consume", lambda: juju.consume("other.web", "alias", controller="lab", owner="admin")
    yield "deploy", lambda: juju.deploy("ubuntu")
    yield "deploy", lambda: juju.deploy(
        "./local.charm", "web", attach_storage="data/0", base="ubuntu@24.04", bind={"db": "alpha"}, channel="edge", config={"a": -1},
        constraints={"mem": "1G"}, force=True, num_units=3, overlays=["more.yaml"], resources={"bin": "/none"}, revision=7,
        storage={"data": "tmpfs,1G"}, to="0", trust=True,
    )
    yield "integrate", lambda: juju.integrate("web:db", "store", via=["192.0.2.0/24", "198.51.100.0/24"])
    yield "offer", lambda: juju.offer("web", endpoint=["db", "log"], name="shown")
    yield "offer", lambda: juju.offer("work.web", endpoint="db", controller="lab")
    yield "refresh", lambda: juju.refresh(
        "web", base="ubuntu@24.04", channel="edge", config={"a": 1}, force=True, path="./local.charm", resources={"bin": "1"}, revision=2,
        storage={"data": "1G"}, trust=True,
    )
    yield "remove-application", lambda: juju.remove_application("web", "store", destroy_storage=True, force=True)
    yield "remove-relation", lambda: juju.remove_relation("web", "store", force=True)
    yield "remove-unit", lambda: juju.remove_unit("web/0", destroy_storage=True, force=True)
    yield "remove-unit", lambda: juju.remove_unit("web", num_units=2)
    yield "run", lambda: juju.run("web/leader", "backup", {"deep": {"er": 1}}, wait=2.5)
    yield "show-unit", lambda: juju.show_unit("web/0")
    yield "trust", lambda: juju.trust("web", remove=True, scope="cluster")


def of_secrets(juju):
    uri = jubilant.SecretURI("secret:d0000000000000000000")
    yield "add-secret", lambda: juju.add_secret("name", {"key": "value"}, info="what it is")
    yield "grant-secret", lambda: juju.grant_secret(uri, ["web", "store"])
    yield "remove-secret", lambda: juju.remove_secret("name", revision=1)
    yield "secrets", lambda: juju.secrets(owner="web")
    yield "show-secret", lambda: juju.show_secret(uri, reveal=True, revision=1)
    yield "show-secret", lambda: juju.show_secret("name", revisions=True)
    yield "update-secret", lambda: juju.update_secret(uri, {"key": "other"}, info="i", name="n", auto_prune=True)


def every_flag(juju):
    """Commands that are there, with every flag: read, then refused for a cloud, a file or a target that is not there."""
    nowhere = {
        "bootstrap": lambda: juju.bootstrap(
            "nowhere", "none", bootstrap_base="ubuntu@24.04", bootstrap_constraints={"mem": "1G"}, config={"audit-log-max-backups": 1},
            constraints={"cores": 1}, credential="mine", force=True, metadata_source="/none", model_defaults={"logging-config": "<root>=INFO"},
            storage_pool={"name": "pool", "type": "rootfs"}, to=["0", "1"],
        ),
        "add-model": lambda: juju.add_model("none", "nowhere/region", controller="lab", config={"a": True}, credential="mine"),
        "add-cloud": lambda: juju.add_cloud(
            "nowhere", "/none.yaml", client=True, controller="lab", credential="mine", force=True, target_controller="nowhere"
        ),
        "update-cloud": lambda: juju.update_cloud("nowhere", "/none.yaml", client=True, controller="lab"),
        "add-credential": lambda: juju.add_credential("nowhere", "/none.yaml", controller="lab", region="nowhere"),
        "add-machine": lambda: juju.add_machine(
            "ssh:nobody@nowhere.invalid", base="ubuntu@24.04", constraints={"mem": "1G", "cores": 1}, disks=["rootfs,1G", "rootfs,2G"],
            private_key="/none", public_key="/none.pub",
        ),
        "ssh": lambda: juju.ssh("web/0", "true", container="charm", host_key_checks=False, ssh_options=["-i", "/none"], user="root"),
        "scp": lambda: juju.scp("/none", "web/0:", container="charm", host_key_checks=False, scp_options=["-r", "-C"]),
        "exec": lambda: juju.exec("true", "a b", unit="web/0", wait=2.5),
        "destroy-model": lambda: juju.destroy_model("lab:nowhere", destroy_storage=True, force=True, no_wait=True, timeout=0.5),
        "destroy-model, storage released": lambda: juju.destroy_model("lab:admin/nowhere", release_storage=True),
        "show-model": lambda: juju.show_model("lab:admin/nowhere"),
    }
    for name, call in nowhere.items():
        try:
            call()
        except jubilant.CLIError as error:
            same(error.returncode, 1, f"exit code of {name}; stderr: {error.stderr!r}")
            has(error.stderr, "ERROR", f"stderr of {name}")
            yield name, error.stderr
        except ValueError as error:
            # `exec` that could enqueue nothing ends with 0 and an empty stdout, and jubilant says so.
            same(name, "exec", f"what raises {error!r}")
            yield name, str(error)
        else:
            raise Broken(f"{name} went well")


def all_refused(juju):
    for name, call in of_applications(juju):
        refused(name, call, f'juju "{name}"', "no charms and no applications")
    for name, call in of_secrets(juju):
        refused(name, call, f'juju "{name}"', "no secrets")
