"""Machines of an image with cloud-init, on a real LXD and a real Incus.

The surprise: cloud-init finds its words in files that the server writes from the image's templates, as those of the public images are; so what is
seen here is what an instance of those would be told.
"""

import json

from account import NOTHING, PATIENCE, cloud, instances, left
from rig import has, same
from server import image

SEED = "/var/lib/cloud/seed/nocloud-net"
# As images of images.linuxcontainers.org have them.
TEMPLATES = {
    f"{SEED}/meta-data": "#cloud-config\ninstance-id: {{ container.name }}\nlocal-hostname: {{ container.name }}\n",
    f"{SEED}/user-data": '{{ config_get("user.user-data", properties.default) }}\n',
    f"{SEED}/network-config": "version: 1\nconfig:\n- {type: physical, name: eth0, subnets: [{type: dhcp, control: auto}]}\n",
    f"{SEED}/vendor-data": '{{ config_get("user.vendor-data", properties.default) }}\n',
}


def part(rig, server, cases):
    kind = server.kind
    cloud(rig, server)
    server.bring("debian", "bookworm", image("cloud-init"), "debian/12/cloud", TEMPLATES)
    on = lambda script: rig.grigri("exec", "--machine", "0", "--", script).out  # noqa: E731
    with cases.case(f"{kind}: an image with cloud-init is taken before one without"):
        # Two words of the model's: commands, and a file. No package: there is no network to fetch one by.
        words = {"preruncmd": ["echo pre >/told"], "postruncmd": ["echo post >>/told"], "write_files": [{"path": "/written", "content": "w\n"}]}
        rig.grigri("model-config", f"cloudinit-userdata={json.dumps(words)}", "resource-tags=team=blue user-data=no")
        rig.grigri("add-machine", "--base", "debian@12")
        rig.started(1, within=PATIENCE)
        name = instances(server)[0]
        same(server.query(f"/1.0/instances/{name}")["config"].get("user.team"), "blue", "its tag")
        fingerprint = server.query("/1.0/images/aliases/debian%2F12%2Fcloud")["target"]
        same(server.query(f"/1.0/instances/{name}")["config"]["volatile.base_image"], fingerprint, "image")
    with cases.case(f"{kind}: what cloud-init does and what was written before it go together"):
        has(on("sudo cloud-init status --wait"), "status: done", "its end")
        same(on("hostname; id -un; grep -c ^ubuntu: /etc/passwd"), f"{name}\nubuntu\n1\n", "name and user")
        same(on("cat /told /written"), "pre\npost\nw\n", "what the model's words made")
        # By cloud-init's own account it was told, and nothing of it failed.
        read = "import json; print(json.load(open('/run/cloud-init/result.json'))['v1']['errors'])"
        same(on(f'sudo python3 -c "{read}"'), "[]\n", "errors")
        has(on("sudo cat /var/log/cloud-init.log"), "ubuntu", "its log")
        has(on("cat /var/log/cloud-init-output.log"), "Cloud-init", "its output")
    with cases.case(f"{kind}: it is reached by ssh with the keys that were known before"):
        same(rig.grigri("ssh", "0", "sudo", "id", "-un").out.strip(), "root", "user by sudo")
        keys = on("sort -u ~/.ssh/authorized_keys | grep -c .")
        same(keys, on("grep -c . ~/.ssh/authorized_keys"), "each key once")
    with cases.case(f"{kind}: it restarts as it was"):
        server.restart_instance(name)
        has(rig.grigri("exec", "--machine", "0", "--wait", f"{PATIENCE}s", "--", "sudo cloud-init status --wait; id -un").out, "ubuntu", "after it")
    with cases.case(f"{kind}: and goes as every machine"):
        rig.grigri("destroy-controller", "lab", "--destroy-all-models", "--no-prompt", timeout=PATIENCE)
        same(left(server), NOTHING, "what is left")
    server.client("image", "delete", "debian/12/cloud")
