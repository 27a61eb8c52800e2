"""``make bench``: every bench of this folder, one after the other. Timings are printed, never asserted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "vendors"))

import environments  # noqa: E402

#: the variables in which a bench finds the Python of a vendor's SDK
SDKS = {
    "SWNB_STARWHALE_PYTHON": environments.STARWHALE,
    "SWNB_SWANLAB_07_PYTHON": environments.SWANLAB_07,
    "SWNB_SWANLAB_010_PYTHON": environments.SWANLAB_010,
    "SWNB_ISTARI_PYTHON": environments.ISTARI,
}


def main() -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(str(HERE.parent / name) for name in ("kernel", "wire", "."))}
    for name, sdk in SDKS.items():
        try:
            env[name] = str(sdk.python())
        except RuntimeError as error:
            print(f"without the vendor's SDK: {error}", flush=True)
    for bench in sorted(HERE.glob("bench_*.py")):
        if sys.argv[1:] and bench.stem.removeprefix("bench_") not in sys.argv[1:]:
            continue
        print(f"\n== {bench.stem.removeprefix('bench_')}", flush=True)
        subprocess.run([sys.executable, str(bench)], env=env, check=True)


if __name__ == "__main__":
    main()
