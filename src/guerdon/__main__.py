"""``python -m guerdon``."""

import sys

from guerdon.interfaces.cli import main

sys.exit(main())
