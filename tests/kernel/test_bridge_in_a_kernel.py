"""The bridge in a real notebook kernel: what a blocking and an awaited call do to everything around them."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from kernels import Kernel, run_all


def test_blocking_and_awaited_calls_give_the_same_in_one_notebook(kernel: Kernel) -> None:
    for cell in ["sleep(0.01, 'v')", "await sleep.aio(0.01, 'v')", "bridge.run(nap(0, 'v'))"]:
        result = kernel.run(cell)
        assert (result.error, result.text) == ("", "'v'")


def test_all_calls_run_on_the_one_io_thread(kernel: Kernel) -> None:
    assert kernel.run("bridge.run(here()), await bridge.on_io(here())").text == "('swnb-io', 'swnb-io')"


def test_doctor_can_say_that_a_cell_nests(kernel: Kernel) -> None:
    assert kernel.run("print(bridge.nesting())").stdout.startswith("nested:")


def test_streams_are_read_by_for_and_by_async_for(kernel: Kernel) -> None:
    assert kernel.run("[n for n in count(4)], [n async for n in count.aio(4)]").text == "([0, 1, 2, 3], [0, 1, 2, 3])"


def test_the_users_task_goes_on_while_a_cell_waits(kernel: Kernel) -> None:
    result = kernel.run("""
        go = asyncio.Event()
        reached = threading.Event()
        async def users():
            reached.set()
        task = asyncio.create_task(users())
        async def until_it_ran():
            return await asyncio.to_thread(reached.wait, 30)
        bridge.run(until_it_ran())""")
    assert (result.error, result.text) == ("", "True")


def test_run_all_runs_every_queued_cell_in_order(kernel: Kernel) -> None:
    cells = ["sleep(0.3, 1)", "2", "await sleep.aio(0.05, 3)", "sleep(0.05, 4)"]
    results = run_all(kernel, cells)
    assert [(result.error, result.text) for result in results] == [("", "1"), ("", "2"), ("", "3"), ("", "4")]
    begun = [result.begun for result in results]
    assert begun == sorted(begun)
    assert 0 not in begun


# Interrupt


def interrupted(kernel: Kernel, code: str) -> str:
    """The error of a cell that is interrupted once it waits."""
    number = kernel.send(code)
    kernel.until_printed(number, "waiting")
    kernel.interrupt()
    return kernel.wait(number).error


def test_an_interrupt_ends_the_call_and_its_cleanup_has_run(kernel: Kernel) -> None:
    assert interrupted(kernel, "bridge.run(forever())") == "KeyboardInterrupt"
    assert kernel.run("held['forever']").text == "'closed'"
    assert kernel.run("sleep(0, 'still here')").text == "'still here'"


def test_an_interrupt_keeps_what_was_fetched(kernel: Kernel) -> None:
    kernel.run("""
        async def fetch():
            held["rows"] = []
            for page in range(3):
                held["rows"].append(page)
            await forever()""")
    assert interrupted(kernel, "bridge.run(fetch())") == "KeyboardInterrupt"
    assert kernel.run("held['rows']").text == "[0, 1, 2]"


def test_an_interrupt_cancels_neither_another_call_nor_the_users_task(kernel: Kernel) -> None:
    kernel.run("""
        go = asyncio.Event()
        async def users():
            while not go.is_set():
                time.sleep(0.001)  # busy: the signal may well arrive in here
                await asyncio.sleep(0)
            return "survived"
        mine = asyncio.create_task(users())
        other = bridge.submit(forever("other"))""")
    assert interrupted(kernel, "bridge.run(forever())") == "KeyboardInterrupt"
    assert kernel.run("held['other'], mine.done()").text == "('begun', False)"
    assert kernel.run("go.set(); await mine").text == "'survived'"
    kernel.run("other.cancel()")


def test_an_interrupt_does_not_wait_for_a_call_that_shields_itself(kernel: Kernel) -> None:
    assert interrupted(kernel, "bridge.run(stubborn())") == "KeyboardInterrupt"
    assert kernel.run("sleep(0, 'still here')").text == "'still here'"


def test_an_interrupt_ends_an_awaited_call(kernel: Kernel) -> None:
    number = kernel.send("await bridge.on_io(forever())")
    kernel.until_printed(number, "waiting")
    kernel.interrupt()
    kernel.send("'next'")  # ipykernel notes the interrupt of an awaiting cell when something wakes its loop
    assert kernel.wait(number).error == "CancelledError"
    assert kernel.run("sleep(0.01, held['forever'])").text == "'closed'"


def test_an_interrupted_stream_goes_on_where_it_stood(kernel: Kernel) -> None:
    kernel.run("""
        gate = threading.Event()
        async def gated():
            yield 1
            print("waiting", flush=True)
            await asyncio.to_thread(gate.wait, 30)
            yield 2
        stream = bridge.Stream(gated())
        first = []""")
    assert interrupted(kernel, "for n in stream: first.append(n)") == "KeyboardInterrupt"
    assert kernel.run("gate.set(); first, list(stream)").text == "([1], [2])"


# Other threads


def test_a_call_from_a_thread(kernel: Kernel) -> None:
    result = kernel.run("""
        said = []
        thread = threading.Thread(target=lambda: said.extend([sleep(0.01, 'v'), bridge.nesting()]))
        thread.start(); thread.join(30); said""")
    assert result.text == "['v', 'plain: no event loop runs in this thread']"


PRESSED = """
import ipywidgets
pressed, answered = [], threading.Event()
def on_click(_):
    pressed.append(sleep(0.01, 'v'))
    answered.set()
button = ipywidgets.Button()
button.on_click(on_click)
print(button.model_id)
"""


def press(kernel: Kernel, model: str, subshell: str | None = None) -> str:
    content = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
    return kernel.message("comm_msg", content, subshell=subshell)


def test_a_call_from_a_widget_callback(kernel: Kernel) -> None:
    model = kernel.run(PRESSED).stdout.strip()
    kernel.wait(press(kernel, model))
    assert kernel.run("pressed").text == "['v']"


def test_a_call_from_a_widget_callback_while_a_cell_waits(kernel: Kernel) -> None:
    model = kernel.run(PRESSED).stdout.strip()
    cell, click = kernel.send("sleep(0.2, 'cell')"), press(kernel, model)
    assert kernel.wait(cell).text == "'cell'"
    kernel.wait(click)
    assert kernel.run("pressed").text == "['v']"


@pytest.fixture
def subshell(kernel: Kernel) -> str:
    if int(version("ipykernel").split(".")[0]) < 7:
        pytest.skip("ipykernel 6 has no subshells")
    return kernel.subshell()


def test_a_call_in_a_subshell_while_the_main_shell_waits(kernel: Kernel, subshell: str) -> None:
    main = kernel.send("bridge.run(forever())")
    kernel.until_printed(main, "waiting")
    side = kernel.wait(kernel.send("sleep(0.01, bridge.nesting())", subshell=subshell))
    assert (side.error, side.text) == ("", "'plain: the caller is not the main thread'")
    assert kernel.wait(kernel.send("await sleep.aio(0.01, 'v')", subshell=subshell)).text == "'v'"
    kernel.interrupt()
    assert kernel.wait(main).error == "KeyboardInterrupt"


# Leaks


COUNT = """
def is_socket(number):
    import os, stat
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

def open_things():
    import gc
    gc.collect()
    tasks = len(asyncio.all_tasks()) + len(asyncio.all_tasks(bridge._io.loop))
    sockets = sum(map(is_socket, range(1024)))  # not all files: IPython's history comes and goes
    return {"threads": threading.active_count(), "tasks": tasks, "sockets": sockets}
"""

FETCH = """
async def fetch(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
    try:
        return (await reader.read())[-5:]
    finally:
        writer.close()
        await writer.wait_closed()
"""


def test_two_hundred_calls_leave_no_threads_tasks_or_sockets(fresh_kernel: Kernel, address: str) -> None:
    port = address.rstrip("/").rsplit(":", 1)[1]
    fresh_kernel.run(COUNT + FETCH + f"port = {port}; bridge.run(fetch(port)); before = open_things()")
    result = fresh_kernel.run("""
        answers = [bridge.run(fetch(port)) for _ in range(100)]
        answers += [await bridge.on_io(fetch(port)) for _ in range(60)]
        for _ in range(40):
            for number in count(9):
                break
        set(answers), len(answers)""")
    assert (result.error, result.text) == ("", "({b'hello'}, 160)")
    settled = """
        async def settled():
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.001)
        bridge.run(settled())"""
    assert fresh_kernel.run(settled).error == ""
    assert fresh_kernel.run("[name for name, was in before.items() if open_things()[name] > was]").text == "[]"
