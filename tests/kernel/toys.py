"""A first cell for kernels: small coroutines to call."""

from __future__ import annotations

TOYS = """
import asyncio, threading, time
from swnb import bridge

held = {}  # what a call has got so far, as swnb.partial() keeps it

async def here():
    return threading.current_thread().name

async def nap(seconds, value=None):
    await asyncio.sleep(seconds)
    return value

async def forever(name="forever"):
    held[name] = "begun"
    print("waiting", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        held[name] = "closed"

async def stubborn():
    print("waiting", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def numbers(stop):
    for number in range(stop):
        await asyncio.sleep(0)
        yield number

count = bridge.both_iter_function(numbers)
sleep = bridge.both_function(nap)
"""
