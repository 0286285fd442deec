"""The server as a cloud of a controller: definition and credential as its operator gives them."""

import json

# The test image brings its system up within seconds; a busy host takes its time.
PATIENCE = 180


def cloud(rig, server, **config):
    """Makes the server a cloud of the controller, with a model on it."""
    definition = rig.folder / "cloud.yaml"
    one = {"type": server.kind, "auth-types": ["certificate", "interactive"], "endpoint": f"https://{server.address}:8443", "regions": {"default": {}}}
    definition.write_text(json.dumps({"clouds": {"box": {**one, "config": config}}}))
    known = "box" in rig.grigri("clouds", "--client", "--format", "json").json()
    rig.grigri("add-cloud", "box", "--file", definition, "--controller", "lab", *([] if known else ["--client"]))
    credential(rig, server.certificates(), *(["update-credential", "box", "me"] if known else ["add-credential", "box"]))
    rig.grigri("add-model", "work", "box", "--credential", "me")


def credential(rig, attributes, *verb, of="box", ok=True):
    file, names = rig.home / "credential.yaml", {}
    for name, text in attributes.items():
        (rig.home / f"{name}.pem").write_text(text)
        names[name] = f"{name}.pem"
    file.write_text(json.dumps({"credentials": {of: {"me": {"auth-type": "certificate", **names}}}}))
    return rig.grigri(*verb, "--file", file, "--controller", "lab", "--client", ok=ok)


def instances(server):
    return server.names("/1.0/instances")


def left(server):
    """All that machines could leave on the server: instances, profiles, and volumes that are no image's."""
    volumes = [one for pool in server.names("/1.0/storage-pools") for one in server.query(f"/1.0/storage-pools/{pool}/volumes")]
    return instances(server), server.names("/1.0/profiles"), sorted(one for one in volumes if "/volumes/image/" not in one)


NOTHING = ([], ["default"], [])
