"""Tables made by arithmetic on the row number: the same cells whenever and in whatever pieces they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from swnb.sandbox.world import Columns, Table, Timeline

STEPS = 400
NAN_STEP = 250
SPIKE_STEP = 140
PERIOD = 4093


def noise(seed: int, key: int) -> float:
    """A number in -1 to 1 that looks random and depends on seed and key alone."""
    return noises(seed, (key,))[0]


def noises(seed: int, keys: Iterable[int]) -> list[float]:
    """`noise` of many keys at once."""
    start = seed * 40503 + 12345
    mixed = [(key * 2654435761 + start) & 0xFFFFFFFF for key in keys]
    mixed = [((word ^ (word >> 15)) * 2246822519) & 0xFFFFFFFF for word in mixed]
    return [(word ^ (word >> 13)) / 2147483648.0 - 1.0 for word in mixed]


def train_table(seed: int, took: float, timeline: Timeline) -> Table:
    """`train`: 400 steps of loss, accuracy and lr, with a spike and a NaN, over `took` seconds of running."""

    def length(now: float) -> int:
        return min(STEPS, int(STEPS * timeline.spent("running", now) / took + 1e-6))

    columns: dict[str, Callable[[range], Sequence[float]]] = {
        "id": lambda keys: keys,
        "loss": lambda keys: _losses(seed, keys),
        "accuracy": lambda keys: _accuracies(seed + 1, keys),
        "lr": lambda keys: [0.05 * 0.5 ** (key // 100) for key in keys],
    }

    def block(low: int, high: int) -> Columns:
        return {name: make(range(low, high)) for name, make in columns.items()}

    return Table({"id": "int", "loss": "float", "accuracy": "float", "lr": "float"}, length, block, columns)


def _losses(seed: int, keys: range) -> list[float]:
    near = _near(keys)
    both = zip(near, noises(seed, near), strict=True)
    losses = [round(0.08 + 2.2 * math.exp(-key / 60) + 0.05 * jitter, 5) for key, jitter in both]
    if SPIKE_STEP in near:
        losses[near.index(SPIKE_STEP)] = round(losses[near.index(SPIKE_STEP)] + 1.6, 5)
    if NAN_STEP in near:
        losses[near.index(NAN_STEP)] = math.nan
    return losses + [_LOSSES[(key + seed * 37) % PERIOD] for key in keys[len(near) :]]


def _accuracies(seed: int, keys: range) -> list[float]:
    near = _near(keys)
    both = zip(near, noises(seed, near), strict=True)
    accuracies = [round(0.97 - 0.85 * math.exp(-key / 70) + 0.012 * jitter, 5) for key, jitter in both]
    return accuracies + [_ACCURACIES[(key + seed * 37) % PERIOD] for key in keys[len(near) :]]


def _near(keys: range) -> range:
    """The keys before the curves have settled; after that they repeat themselves, which is cheap."""
    return range(keys.start, max(keys.start, min(keys.stop, STEPS)), keys.step)


_LOSSES = [round(0.08 + 0.05 * jitter, 5) for jitter in noises(1, range(PERIOD))]
_ACCURACIES = [round(0.97 + 0.012 * jitter, 5) for jitter in noises(2, range(PERIOD))]


def results_table(seed: int, rows: int) -> Table:
    """`results`: one prediction a row."""

    def block(low: int, high: int) -> Columns:
        keys = range(low, high)
        labels = [key * 7 % 10 for key in keys]
        guesses = [(label + (noise(seed, key) > 0.8)) % 10 for key, label in zip(keys, labels, strict=True)]
        return {
            "id": keys,
            "image": [f"image-{key:05d}.png" for key in keys],
            "label": labels,
            "prediction": guesses,
            "correct": [label == guess for label, guess in zip(labels, guesses, strict=True)],
            "score": [round(0.75 + 0.25 * noise(seed + 2, key), 6) for key in keys],
        }

    kinds = {"id": "int", "image": "text", "label": "int", "prediction": "int", "correct": "bool", "score": "float"}
    return Table(kinds, lambda now: rows, block)


def big_table(rows: int) -> Table:
    """`big`: as many rows as wanted, six columns, for measuring."""

    def block(low: int, high: int) -> Columns:
        keys = range(low, high)
        return {
            "id": keys,
            "step": [key * 3 + 5 for key in keys],
            "label": [key * 7 % 10 for key in keys],
            "loss": [1.0 / (1.0 + key * 0.001) for key in keys],
            "score": [(key * 2654435761 & 0xFFFFFFFF) / 4294967296.0 for key in keys],
            "name": [f"image-{key:07d}.png" for key in keys],
        }

    kinds = {"id": "int", "step": "int", "label": "int", "loss": "float", "score": "float", "name": "text"}
    return Table(kinds, lambda now: rows, block)
