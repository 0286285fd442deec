"""A server of images as the public ones are (simplestreams, over HTTPS), with an authority of the test's own, and what machines make of its images.

Run as a program it serves: `streams.py FOLDER ADDRESS PORT`. The surprise: it is asked by the server of containers, never by the product, and that
one keeps the list of images for an hour; so a server of images that is away is noticed only by who wants its files.
"""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile

PORT = 8444
# Which files make an image: what describes it, by the kind of server, and its root file system.
ABOUT = {"lxd": "lxd.tar.xz", "incus": "incus.tar.xz"}
ROOTS = {"squashfs": ("root.squashfs", "combined_squashfs_sha256"), "root.tar.xz": ("rootfs.tar.xz", "combined_rootxz_sha256")}
# Nobody's hash.
FALSE = "0" * 64


def serve(folder, address, port):
    os.chdir(folder)
    server = http.server.ThreadingHTTPServer((address, int(port)), http.server.SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder.parent / "server.crt", folder.parent / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


class Streams:
    """The server of images, seen at `address` in network `netns`, which need not be there yet."""

    def __init__(self, folder, address, netns):
        self.folder, self.served, self.address, self.netns = folder, folder / "served", address, netns
        (self.served / "streams" / "v1").mkdir(parents=True)
        self.authority, self.process, self.products = folder / "authority.crt", None, {}
        self.certify()

    @property
    def url(self):
        return f"https://{self.address}:{PORT}"

    def certify(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "authority.key", "-out", "authority.crt", "-days", "10", "-subj", "/CN=authority of the test")
        openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=images")
        (self.folder / "names").write_text(f"subjectAltName=IP:{self.address}\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial", "-days", "10",
                "-extfile", "names", "-out", "server.crt")

    def offer(self, os_name, release, variant, archive, root, is_false=False):
        """An image from the archive (.tar.gz) of its root file system; `root` is one of ROOTS. A false one is not what its hash says."""
        name, combined = ROOTS[root]
        place = pathlib.Path("images", os_name, release, variant)
        folder = self.served / place
        folder.mkdir(parents=True)
        metadata = folder / "metadata.yaml"
        metadata.write_text(f"architecture: x86_64\ncreation_date: 1700000000\nproperties: {{os: {os_name}, release: '{release}'}}\n")
        about = folder / "about.tar.xz"
        with tarfile.open(about, "w:xz", preset=0) as packed:
            packed.add(metadata, "metadata.yaml")
        metadata.unlink()
        with tarfile.open(archive) as packed:
            if root == "squashfs":
                packed.extractall(folder / "root", filter="fully_trusted")
                subprocess.run(["mksquashfs", folder / "root", folder / name, "-quiet", "-no-progress", "-comp", "gzip"], check=True, capture_output=True)
                shutil.rmtree(folder / "root")
            else:
                with tarfile.open(folder / name, "w:xz", preset=0) as again:
                    for member in packed:
                        again.addfile(member, packed.extractfile(member) if member.isreg() else None)
        both = hashlib.sha256(about.read_bytes() + (folder / name).read_bytes()).hexdigest()

        def item(path, kind, **more):
            digest = FALSE if is_false and kind == root else hashlib.sha256(path.read_bytes()).hexdigest()
            return {"ftype": kind, "path": str(place / path.name), "size": path.stat().st_size, "sha256": digest, **more}

        items = {kind: item(about, kind, **{combined: both}) for kind in ABOUT.values()}
        items[name] = item(folder / name, root)
        suffix = "" if variant == "default" else f"/{variant}"
        self.products[f"{os_name}:{release}:amd64:{variant}"] = {
            "aliases": f"{os_name}/{release}{suffix}", "arch": "amd64", "os": os_name.capitalize(), "release": release, "release_title": release,
            "variant": variant, "versions": {"20240101_00:00": {"items": items}},
        }
        self.tell("images.json", {"content_id": "images", "datatype": "image-downloads", "format": "products:1.0", "products": self.products})
        listed = {"datatype": "image-downloads", "path": "streams/v1/images.json", "format": "products:1.0", "products": sorted(self.products)}
        self.tell("index.json", {"format": "index:1.0", "index": {"images": listed}})

    def tell(self, name, content):
        (self.served / "streams" / "v1" / name).write_text(json.dumps(content))

    def start(self):
        log = open(self.folder / "asked.log", "ab")
        words = ["nsenter", f"--net=/run/netns/{self.netns}", sys.executable, __file__, str(self.served), self.address, str(PORT)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def asked(self, path):
        """How often somebody wanted the file."""
        return (self.folder / "asked.log").read_text().count(f"GET /{path}")


def part(rig, server, cases, streams):
    """What machines make of it, on a cloud that names it."""
    # The program that serves needs none of these.
    from account import NOTHING, PATIENCE, cloud, instances, left
    from rig import has, same, until
    from server import tiny

    archive = tiny()

    def add(base):
        return rig.grigri("add-machine", "--base", base).err.split()[-1]

    def message(number):
        return rig.status()["machines"][number]["machine-status"].get("message", "")

    def says(number, *words):
        until(f"machine {number} says {words}", lambda: all(word in message(number) for word in words), PATIENCE, lambda: rig.grigri("status", ok=None))

    def away(number, left):
        rig.grigri("remove-machine", number, "--force", "--no-prompt")
        rig.started(left, within=PATIENCE)

    def aliases():
        return [one["name"] for one in server.query("/1.0/images/aliases?recursion=1")]

    streams.offer("alpine", "3.31", "cloud", archive, "squashfs")
    streams.offer("alpine", "3.30", "default", archive, "root.tar.xz")
    streams.offer("alpine", "3.32", "cloud", archive, "squashfs", is_false=True)
    streams.offer("alpine", "3.33", "cloud", archive, "root.tar.xz")
    streams.start()
    cloud(rig, server, **{"image-metadata-url": streams.url})
    with cases.case(f"{server.kind}: a machine's image comes from the image server of its cloud, and is kept by name"):
        number = add("alpine@3.31")
        machine = rig.started(1, within=PATIENCE)[number]
        same(machine["base"], {"name": "alpine", "channel": "3.31"}, "base")
        same(rig.grigri("exec", "--machine", number, "--", "id -un").out, "ubuntu\n", "output")
        has(" ".join(aliases()), "juju/alpine@3.31/amd64", "aliases")
    with cases.case(f"{server.kind}: an image that has no form with cloud-init, and is packed otherwise, does as well"):
        add("alpine@3.30")
        rig.started(2, within=PATIENCE)
    with cases.case(f"{server.kind}: of a base that the image server has not it is said which there are"):
        number = add("alpine@9.99")
        says(number, "no image for base alpine@9.99", streams.url, "images here are of alpine@3.", "alpine@3.30, alpine@3.31, debian@12")
        away(number, 2)
    with cases.case(f"{server.kind}: an image that is not what the image server says is not taken"):
        number = add("alpine@3.32")
        says(number, "no image for base alpine@3.32", "mismatch")
        away(number, 2)
        same(len(instances(server)), 2, "instances")
    streams.stop()
    with cases.case(f"{server.kind}: without the image server, what came from it once starts, and the rest says so and starts when it is back"):
        waiting = add("alpine@3.33")
        says(waiting, "alpine/3.33/cloud/amd64", "refused")
        before = streams.asked("images/alpine/3.31")
        number = add("alpine@3.31")
        until("it started", lambda: rig.status()["machines"][number]["juju-status"]["current"] == "started", PATIENCE, lambda: rig.grigri("status", ok=None))
        streams.start()
        rig.started(4, within=PATIENCE)
        same(streams.asked("images/alpine/3.31"), before, "times that it was asked for the image again")
    with cases.case(f"{server.kind}: nothing of it is left but images"):
        rig.grigri("destroy-controller", "lab", "--destroy-all-models", "--no-prompt", timeout=PATIENCE)
        same(left(server), NOTHING, "what is left")


if __name__ == "__main__":
    serve(pathlib.Path(sys.argv[1]), *sys.argv[2:])
