"""``python -m swnb`` is ``swnb``."""

from __future__ import annotations

from swnb.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
