"""Tables that show what the datastore can hold: every value type, text keys, deleted rows, a large text in a blob."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from swnb.sandbox.starwhale.values import Cell, cell_of

if TYPE_CHECKING:
    from swnb.sandbox.starwhale.state import State

LONG = "a long text that the writer put into a blob. " * 40
CLASS = "starwhale.base.data_type."
_VALUES: dict[str, Cell] = {
    "v_none": ("UNKNOWN", None),
    "v_bool": ("BOOL", True),
    "v_int8": ("INT8", -128),
    "v_int16": ("INT16", -2),
    "v_int32": ("INT32", 2**31 - 1),
    "v_int64": ("INT64", 2**63 - 1),
    "v_float32": ("FLOAT32", 0.5),
    "v_float64": ("FLOAT64", 0.1),
    "v_nan": ("FLOAT64", math.nan),
    "v_infinity": ("FLOAT64", -math.inf),
    "v_zero": ("FLOAT64", -0.0),
    "v_text": ("STRING", "é中🐋 <b>not bold</b>"),
    "v_bytes": ("BYTES", b"\x00\xff\x10"),
    "v_list": ("LIST", [("INT64", 1), ("STRING", "a"), ("UNKNOWN", None)]),
    "v_tuple": ("TUPLE", [("FLOAT64", 1.5)]),
    "v_map": ("MAP", [(("STRING", "a"), ("INT64", 1)), (("STRING", "b"), ("FLOAT64", 2.5))]),
    "v_object": ("OBJECT", (CLASS + "JsonDict", {"a": ("INT64", 1), "b": ("STRING", "x")})),
}


def add_samples(state: State) -> None:
    """Give the first job that ended well, of each project, the tables `types`, `label/1` and `mixed`."""
    for project in state.world.projects:
        job = next((job for job in project.jobs if "results" in job.tables), None)
        if job is None:
            continue
        prefix = f"project/{project.id}/eval/{job.uuid[:2]}/{job.uuid}"
        rows = [{"id": ("INT64", number), name: cell} for number, (name, cell) in enumerate(_VALUES.items())]
        uri = f"starwhale/controller/project/{project.id}/common-eval/{job.uuid}/00/{job.uuid}"
        state.blobs[uri] = blob(LONG.encode())
        rows.append({"id": ("INT64", len(rows)), "v_long": _long_text(uri)})
        state.store.table(f"{prefix}/types").update(rows)
        labels = [{"id": f"k{number:02d}", "count": number * number} for number in range(20)]
        state.store.write(f"{prefix}/label/1", labels)
        state.store.write(f"{prefix}/label/1", [{"id": "k02", "-": True}, {"id": "k05", "note": "seen twice"}])
        values = (1, "one", 1.5, None, [1, 2], True)
        state.store.write(f"{prefix}/mixed", [{"id": key, "value": value} for key, value in enumerate(values)])


def blob(data: bytes) -> bytes:
    """A blob file of one section (paper 6.6)."""
    body = data + b"\0" * (-(len(data) + 32) % 128)
    padding = len(body) - len(data)
    return b"SWDS" + struct.pack(">IQIII", zlib.crc32(data), 0, len(data), padding, 0) + b"SDWS" + body


def _long_text(uri: str) -> Cell:
    link: Mapping[str, object] = {"_type": "link", "uri": uri, "scheme": "", "offset": 32, "size": len(LONG.encode())}
    attributes = {name: cell_of(value) for name, value in link.items()}
    attributes |= {"data_type": ("UNKNOWN", None), "extra_info": ("MAP", [])}
    text = {
        "auto_convert_to_str": True,
        "_type": "text",
        "display_name": LONG[:12] + "...",
        "_mime_type": "text/plain",
        "shape": (),
        "_dtype_name": "str",
        "encoding": "utf-8",
    }
    cells = {name: cell_of(value) for name, value in text.items()}
    return ("OBJECT", (CLASS + "Text", {**cells, "link": ("OBJECT", (CLASS + "Link", attributes))}))
