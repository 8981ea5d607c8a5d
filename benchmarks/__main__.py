"""``python -m benchmarks [NAME ...]``: run the benchmarks named, or all."""

import importlib
import sys

NAMES = ("catalog", "scale", "outline", "learning", "rosters")

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
