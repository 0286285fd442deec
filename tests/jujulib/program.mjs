// A program for jujulib that knows nothing of who serves it. Words: ENDPOINT USER PASSWORD.
//
// The surprise: of a facade's versions the library takes the last of its own list that the server has, which is not always
// the newest (of MachineManager it is 9), so both ends of a list are in use here.

import assert from "node:assert/strict";
import websocket from "websocket";
import * as jujulib from "@canonical/jujulib";

import Action from "@canonical/jujulib/dist/api/facades/action/index.js";
import AllModelWatcher from "@canonical/jujulib/dist/api/facades/all-model-watcher/index.js";
import AllWatcher from "@canonical/jujulib/dist/api/facades/all-watcher/index.js";
import Annotations from "@canonical/jujulib/dist/api/facades/annotations/index.js";
import Application from "@canonical/jujulib/dist/api/facades/application/index.js";
import Charms from "@canonical/jujulib/dist/api/facades/charms/index.js";
import Client from "@canonical/jujulib/dist/api/facades/client/index.js";
import Cloud from "@canonical/jujulib/dist/api/facades/cloud/index.js";
import Controller from "@canonical/jujulib/dist/api/facades/controller/index.js";
import KeyManager from "@canonical/jujulib/dist/api/facades/key-manager/index.js";
import MachineManager from "@canonical/jujulib/dist/api/facades/machine-manager/index.js";
import ModelConfig from "@canonical/jujulib/dist/api/facades/model-config/index.js";
import ModelManager from "@canonical/jujulib/dist/api/facades/model-manager/index.js";
import ModelManagerV10 from "@canonical/jujulib/dist/api/facades/model-manager/ModelManagerV10.js";
import Pinger from "@canonical/jujulib/dist/api/facades/pinger/index.js";
import UserManager from "@canonical/jujulib/dist/api/facades/user-manager/index.js";

const [endpoint, username, password] = process.argv.slice(2);
const facades = [
  Action, AllModelWatcher, AllWatcher, Annotations, Application, Charms, Client, Cloud, Controller, KeyManager, MachineManager, ModelConfig,
  ModelManager, ModelManagerV10, Pinger, UserManager,
];
const options = (more) => ({ facades, wsclass: websocket.w3cwebsocket, ...more });
const credentials = { username, password };
const LIMIT = 60_000;

let failed = 0;

async function given(name, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${LIMIT / 1000} s`)), LIMIT);
  });
  try {
    const seen = await Promise.race([run(), late]);
    console.log(`pass ${name}`);
    return seen;
  } catch (error) {
    failed += 1;
    const [first, ...rest] = String(error?.stack ?? error).split("\n");
    console.log([`fail ${name}: ${first}`, ...rest.map((line) => `    ${line}`)].join("\n"));
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** What a call is refused with. */
async function refused(call) {
  let seen;
  try {
    seen = await call();
  } catch (error) {
    return error.message;
  }
  throw new Error(`not refused, but ${JSON.stringify(seen)}`);
}

async function logins() {
  const closed = new Promise((resolve) => {
    logins.closed = resolve;
  });
  const { conn, logout } = await jujulib.connectAndLogin(`wss://${endpoint}/api`, options({ closeCallback: (code) => logins.closed(code) }), credentials);
  assert.match(conn.info.serverVersion, /^3\.6\.\d+/);
  assert.equal(conn.info.user.identity, `user-${username}`);
  assert.match(conn.info.controllerTag, /^controller-/);
  assert.ok(conn.info.servers.flat().every((one) => one.value && one.port));
  assert.equal(conn.info.getFacade("modelManager"), conn.facades.modelManager);
  // What applications alone would need is not offered, or is and says what is not there.
  assert.equal(conn.facades.charms, undefined);
  assert.deepEqual(await conn.facades.pinger.ping(), {});
  logout();
  assert.equal(await closed, 1000);
}

async function refusedLogins() {
  const wrong = (words) => refused(() => jujulib.connectAndLogin(`wss://${endpoint}/api`, options(), words));
  assert.match(await wrong({ username, password: "wrong" }), /Have you been granted permission/);
  assert.match(await wrong({ username: "nobody", password }), /Have you been granted permission/);
  assert.match(await wrong({}), /no credentials provided/);
  assert.match(await wrong({ username, password: "" }), /no bakery instance/);
  const none = "00000000-0000-4000-8000-000000000000";
  const model = () => jujulib.connectAndLogin(jujulib.generateModelURL(endpoint, none), options(), credentials);
  assert.match(await refused(model), /unknown model/);
}

async function models(controller) {
  const { modelManager } = controller.facades;
  const tag = controller.info.user.identity;
  const listed = await modelManager.listModels({ tag });
  assert.deepEqual(listed["user-models"].map(({ model }) => model.name).sort(), ["controller", "work"]);
  const { uuid } = listed["user-models"].find(({ model }) => model.name === "work").model;
  const summaries = await modelManager.listModelSummaries({ all: false, "user-tag": tag });
  assert.deepEqual(summaries.results.map(({ result }) => result.name).sort(), ["controller", "work"]);
  const info = await modelManager.modelInfo({ entities: [{ tag: `model-${uuid}` }] });
  assert.equal(info.results[0].result.uuid, uuid);
  assert.deepEqual(info.results[0].result.users.map((one) => one.access), ["admin"]);
  const status = await modelManager.modelStatus({ entities: [{ tag: `model-${uuid}` }] });
  assert.equal(status.models[0]["owner-tag"], tag);

  const made = await modelManager.createModel({ name: "made", "owner-tag": tag, config: { "extra-info": "by a dashboard" } });
  assert.equal(made.name, "made");
  assert.match(await refused(() => modelManager.createModel({ name: "made", "owner-tag": tag })), /already exists/);
  const gone = await modelManager.destroyModels({ models: [{ "model-tag": `model-${made.uuid}`, "destroy-storage": true }] });
  assert.equal(gone.results[0].error, undefined);
  return uuid;
}

async function readsTheController(controller) {
  const { cloud, controller: about, userManager } = controller.facades;
  const clouds = await cloud.clouds({});
  assert.deepEqual(Object.keys(clouds.clouds), ["cloud-builtin"]);
  const config = await about.controllerConfig({});
  assert.match(config.config["controller-uuid"], /^[0-9a-f-]{36}$/);
  const users = await userManager.userInfo({ entities: [], "include-disabled": true });
  assert.deepEqual(users.results.map(({ result }) => result.username), ["admin"]);
  const all = await about.allModels({});
  assert.equal(all["user-models"].length >= 2, true);
}

async function readsTheModel(model) {
  const { client, modelConfig, keyManager, annotations } = model.facades;
  const status = await client.fullStatus({ patterns: [] });
  assert.equal(status.model.name, "work");
  assert.deepEqual([status.machines, status.applications], [{}, {}]);
  await modelConfig.modelSet({ config: { "extra-info": "from here" } });
  const { config } = await modelConfig.modelGet({});
  assert.deepEqual(config["extra-info"], { value: "from here", source: "model" });
  const keys = await keyManager.listKeys({ entities: { entities: [{ tag: status.model["model-tag"] ?? "" }] }, mode: true });
  assert.ok(keys.results);
  const entity = `model-${(await client.modelUuid?.()) ?? uuidOf(model)}`;
  await annotations.set({ annotations: [{ entity, annotations: { "gui-x": "1" } }] });
  assert.deepEqual((await annotations.get({ entities: [{ tag: entity }] })).results[0].annotations, { "gui-x": "1" });
}

const uuidOf = (model) => model.transport._ws.url.split("/").at(-2);

/** Asks a watcher until what it told of makes `look` give something. */
async function until(next, id, look) {
  for (;;) {
    const seen = look((await next({ id })).deltas);
    if (seen) return seen;
  }
}

async function watchesAMachine(model) {
  const { client, allWatcher, machineManager } = model.facades;
  const id = (await client.watchAll({}))["watcher-id"];
  const first = (await allWatcher.next({ id })).deltas;
  assert.ok(first.some(([kind, change, { name }]) => kind === "model" && change === "change" && name === "work"), JSON.stringify(first));
  assert.equal(machineManager.VERSION, 9);
  const added = await machineManager.addMachines({ params: [{ jobs: ["JobHostUnits"], constraints: { mem: 256 } }] });
  assert.deepEqual(added, { machines: [{ machine: "0" }] });
  const started = await until(allWatcher.next, id, (deltas) =>
    deltas.find(([kind, , one]) => kind === "machine" && one.id === "0" && one["agent-status"].current === "started"),
  );
  assert.ok(started[2].addresses.length > 0);
  assert.equal(started[2]["model-uuid"], uuidOf(model));
  const full = await client.fullStatus({ patterns: [] });
  assert.equal(full.machines["0"]["agent-status"].status, "started");

  const removed = until(allWatcher.next, id, (deltas) => deltas.find(([kind, change, one]) => kind === "machine" && change === "remove" && one.id === "0"));
  await runsACommand(model);
  const gone = await machineManager.destroyMachineWithParams({ "machine-tags": ["machine-0"], force: true, keep: false, "max-wait": 0 });
  assert.equal(gone.results[0].error, undefined);
  await removed;

  // One that waits is told that it was stopped. News of the machine's end may come before.
  const waits = refused(() => until(allWatcher.next, id, () => undefined));
  await allWatcher.stop({ id });
  assert.match(await waits, /watcher was stopped|unknown watcher id/);
}

async function runsACommand(model) {
  const { action } = model.facades;
  const enqueued = await action.run({ commands: "echo seen", machines: ["0"], applications: [], units: [], timeout: 30e9, parallel: true, "execution-group": "" });
  const { tag } = enqueued.actions[0].action;
  for (;;) {
    const { results } = await action.actions({ entities: [{ tag }] });
    if (results[0].status === "completed") {
      assert.equal(results[0].output.stdout, "seen\n");
      return;
    }
    assert.ok(["pending", "running"].includes(results[0].status), JSON.stringify(results[0]));
  }
}

async function watchesAllModels(controller) {
  const { controller: about, allModelWatcher, modelManager } = controller.facades;
  const id = (await about.watchAllModels({}))["watcher-id"];
  const first = (await allModelWatcher.next({ id })).deltas;
  const named = (deltas) => deltas.filter(([kind]) => kind === "model").map(([, change, one]) => `${change} ${one.name}`);
  assert.ok(named(first).includes("change work"), JSON.stringify(first));
  await modelManager.createModel({ name: "later", "owner-tag": controller.info.user.identity });
  await until(allModelWatcher.next, id, (deltas) => named(deltas).includes("change later"));
  await allModelWatcher.stop({ id });
}

async function applications(model) {
  const { application } = model.facades;
  if (application === undefined) return;
  assert.match(await refused(() => application.deploy({ applications: [] })), /not built in this release|not implemented/);
}

async function main() {
  await given("logs in and out", logins);
  await given("refused logins have the library's own words", refusedLogins);
  const opened = await given("connects to the controller", () => jujulib.connectAndLogin(`wss://${endpoint}/api`, options(), credentials));
  if (!opened) return;
  const uuid = await given("lists, makes and destroys models", () => models(opened.conn));
  await given("reads clouds, users and configuration", () => readsTheController(opened.conn));
  const inside = uuid && (await given("connects to a model", () => jujulib.connectAndLogin(jujulib.generateModelURL(endpoint, uuid), options(), credentials)));
  if (inside) {
    await given("reads and changes the model", () => readsTheModel(inside.conn));
    await given("watches a machine come, run a command and go", () => watchesAMachine(inside.conn));
    await given("is told that there are no applications", () => applications(inside.conn));
    inside.logout();
  }
  await given("watches all models", () => watchesAllModels(opened.conn));
  opened.logout();
}

main().then(() => process.exit(failed ? 1 : 0));
