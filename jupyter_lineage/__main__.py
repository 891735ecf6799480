"""``python -m jupyter_lineage`` is ``jupyter lineage``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
