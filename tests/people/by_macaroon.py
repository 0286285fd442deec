"""Logs in without a password in the call: by the macaroon libraries and by python-libjuju, as they are published.

Words: ENDPOINT CA-FILE USER PASSWORD. The surprise: the way of proving who one is has a name that the original gave it, and no published
library knows it; what it does is the forty lines below.
"""

import asyncio
import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

warnings.simplefilter("ignore")

import requests  # noqa: E402
from juju.client import client  # noqa: E402
from juju.client.connection import Connection  # noqa: E402
from juju.errors import JujuError  # noqa: E402
from macaroonbakery import httpbakery  # noqa: E402
from macaroonbakery.httpbakery import DischargeToken, Interactor  # noqa: E402
from rig import Broken, Cases, has, same  # noqa: E402


class ByPassword(Interactor):
    def __init__(self, user, password):
        self.user, self.password, self.asked = user, password, 0

    def kind(self):
        return "juju_userpass"

    def interact(self, _, location, required):
        self.asked += 1
        form = required.interaction_method("juju_userpass", Method)
        base = location.split("/auth", 1)[0]
        answer = requests.post(f"{base}{form.url}", json={"form": {"user": self.user, "password": self.password}}, timeout=30)
        if answer.status_code != 200:
            raise httpbakery.InteractionError(answer.json()["Message"])
        token = answer.json()["token"]
        return DischargeToken(kind=token["kind"], value=__import__("base64").b64decode(token["value"]))


class Method:
    def __init__(self, url):
        self.url = url

    @classmethod
    def from_dict(cls, given):
        return cls(given["url"])


async def connect(endpoint, ca, user, bakery_client):
    return await Connection.connect(endpoint, None, user, None, ca, bakery_client=bakery_client)


async def run(cases, endpoint, ca, user, password):
    by_password = ByPassword(user, password)
    bakery_client = httpbakery.Client(interaction_methods=[by_password])
    with cases.case("libraries/a login by macaroon"):
        connection = await connect(endpoint, ca, user, bakery_client)
        same(connection.info["user-info"]["identity"], f"user-{user}")
        facade = client.ModelManagerFacade.from_connection(connection)
        models = await facade.ListModels(tag=f"user-{user}")
        same([one.model.name for one in models.user_models], ["work"], "models")
        await connection.close()
        same(by_password.asked, 1, "times that the password was asked for")
    with cases.case("libraries/a wrong password"):
        try:
            await connect(endpoint, ca, user, httpbakery.Client(interaction_methods=[ByPassword(user, "wrong")]))
        except (JujuError, httpbakery.InteractionError, Exception) as error:  # noqa: BLE001
            has(str(error), "invalid entity name or password")
        else:
            raise Broken("it is in")


def main():
    endpoint, ca, user, password = sys.argv[1:]
    cases = Cases()
    asyncio.run(run(cases, endpoint, pathlib.Path(ca).read_text(), user, password))
    cases.end()


main()
