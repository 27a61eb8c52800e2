"""Tables made by arithmetic on the row number: the same cells whenever and in whatever pieces they are read."""

from __future__ import annotations

import math

from swnb.sandbox.world import Columns, Table, Timeline

STEPS = 400
NAN_STEP = 250
SPIKE_STEP = 140


def noise(seed: int, key: int) -> float:
    """A number in -1 to 1 that looks random and depends on seed and key alone."""
    mixed = (key * 2654435761 + seed * 40503 + 12345) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 13)) / 2147483648.0 - 1.0


def train_table(seed: int, took: float, timeline: Timeline) -> Table:
    """`train`: 400 steps of loss, accuracy and lr a spike and a NaN, over `took` seconds of running."""

    def length(now: float) -> int:
        return min(STEPS, int(STEPS * timeline.spent("running", now) / took + 1e-6))

    def block(low: int, high: int) -> Columns:
        keys = range(low, high)
        return {
            "id": keys,
            "loss": [_loss(seed, key) for key in keys],
            "accuracy": [round(0.97 - 0.85 * math.exp(-key / 70) + 0.012 * noise(seed + 1, key), 5) for key in keys],
            "lr": [0.05 * 0.5 ** (key // 100) for key in keys],
        }

    return Table({"id": "int", "loss": "float", "accuracy": "float", "lr": "float"}, length, block)


def _loss(seed: int, key: int) -> float:
    if key == NAN_STEP:
        return math.nan
    spike = 1.6 if key == SPIKE_STEP else 0.0
    return round(0.08 + 2.2 * math.exp(-key / 60) + 0.05 * noise(seed, key) + spike, 5)


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
