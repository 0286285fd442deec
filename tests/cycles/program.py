"""Cycles of one client's whole life with a controller, several at once, and what both sides have in memory and open afterwards.

Words: CONTROLLER PID CYCLES LANES. Knows of the controller its name and its process, whose memory is read and nothing else. The surprise: memory
is compared from the end of the first cycles on, since caches, pools and the allocator's arenas fill in those, and only once.
"""

import asyncio
import gc
import logging
import pathlib
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

warnings.simplefilter("ignore")

from juju.client import client  # noqa: E402
from juju.controller import Controller  # noqa: E402
from rig import Broken, Cases, same  # noqa: E402

# Seconds for one cycle; libjuju itself waits without limit.
LIMIT = 120
# Kilobytes that memory may have grown by since the first look, whatever the number of cycles. What is kept on purpose has bounds (events, the
# audit's and the database's pages, the allocator's arenas), but takes some 500 cycles to reach them, of at most 25 kB each. So the fifty cycles find
# only what loses 200 kB each time (a connection's buffers on either side are 32 kB, and a cycle has five; that each is closed is looked at
# by itself), and the thousand, of which the second half counts, what loses 12 kB: less than one connection, about one model.
SLACK = 6_000


def warm_after(count):
    """After how many cycles of all the first look is taken."""
    return max(count // 2 if count >= 400 else min(40, count * 2 // 5), 1)


def kilobytes(pid, part):
    """Pss: the process's own memory, and its share of what others have too."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{part}:"))


class Sides:
    """What both ends hold once all is quiet."""

    def __init__(self, pid):
        self.memory = {"controller": kilobytes(pid, "Pss"), "client": kilobytes("self", "Rss")}
        self.open = {"controller": len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())), "client": len(list(pathlib.Path("/proc/self/fd").iterdir()))}
        self.tasks = len(asyncio.all_tasks())

    def __str__(self):
        return f"{self.memory} kB, {self.open} files open, {self.tasks} tasks"


async def quiet(pid):
    """The least of some looks within two seconds: what was just closed may still be going."""
    looks = []
    for _ in range(10):
        gc.collect()
        looks.append(Sides(pid))
        await asyncio.sleep(0.2)
    least = looks[-1]
    for side in ("controller", "client"):
        least.memory[side] = min(look.memory[side] for look in looks)
        least.open[side] = min(look.open[side] for look in looks)
    return least


async def output(model, machine, command):
    facade = client.ActionFacade.from_connection(model.connection())
    started = await facade.Run(
        applications=[], commands=command, machines=[machine], units=[], timeout=30 * 10**9, parallel=None, execution_group=None,
        workload_context=None,
    )
    return await model.get_action_output(started.actions[0].action.tag.removeprefix("action-"), wait=60)


async def cycle(controller_name, number, model_name):
    controller = Controller()
    await controller.connect(controller_name)
    try:
        model = await controller.add_model(model_name)
        try:
            machine = await model.add_machine()
            await model.block_until(lambda: machine.agent_status == "started", wait_period=0.05)
            said = await output(model, machine.id, f"echo {number}")
            same((said["return-code"], said["stdout"]), (0, f"{number}\n"), "what ran")
        finally:
            await model.disconnect()
        await controller.destroy_models(model_name, destroy_storage=True, force=True, max_wait=0)
        while model_name in await controller.list_models():
            await asyncio.sleep(0.1)
    finally:
        await controller.disconnect()


async def lane(controller_name, numbers, took):
    for number in numbers:
        begun = time.monotonic()
        try:
            await asyncio.wait_for(cycle(controller_name, number, f"cycle-{number}"), LIMIT)
        except asyncio.TimeoutError as error:
            raise Broken(f"cycle {number}: no end after {LIMIT} s") from error
        took.append(time.monotonic() - begun)


async def cycles(controller_name, count, lanes, took):
    numbers = iter(range(len(took), len(took) + count))
    await asyncio.gather(*(lane(controller_name, numbers, took) for _ in range(lanes)))


async def run(cases, controller_name, pid, count, lanes):
    took = []
    warm = warm_after(count)
    with cases.case(f"{count} cycles, {lanes} at once: none hangs"):
        await cycles(controller_name, warm, lanes, took)
        before = await quiet(pid)
        print(f"    after {warm}: {before}", flush=True)
        while len(took) < count:
            await cycles(controller_name, min(100, count - len(took)), lanes, took)
            if len(took) < count:
                print(f"    after {len(took)}: {Sides(pid)}", flush=True)
        same(len(took), count, "cycles")
        took.sort()
        print(f"    a cycle took {took[len(took) // 2]:.1f} s, the longest {took[-1]:.1f} s", flush=True)
    if cases.failed:
        return
    after = await quiet(pid)
    print(f"    after {count}: {after}", flush=True)
    for side in ("controller", "client"):
        with cases.case(f"the memory of the {side} stays"):
            grown = after.memory[side] - before.memory[side]
            if grown > SLACK:
                raise Broken(f"{grown} kB more after {count - warm} cycles than before them: {grown / (count - warm):.0f} kB for each")
        with cases.case(f"the {side} has nothing open that it did not have"):
            if after.open[side] > before.open[side]:
                raise Broken(f"{before.open[side]} files before, {after.open[side]} after")
    with cases.case("the client has no task that it did not have"):
        same(after.tasks, before.tasks, "tasks")


def main():
    logging.getLogger("juju").setLevel(logging.CRITICAL)
    controller_name, pid, count, lanes = sys.argv[1:]
    cases = Cases()
    asyncio.run(run(cases, controller_name, int(pid), int(count), int(lanes)))
    cases.end()


main()
