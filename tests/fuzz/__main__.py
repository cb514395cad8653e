"""The command line of the fuzzer."""

import argparse
import sys
import time
import warnings
from pathlib import Path

from tests.fuzz import mutants
from tests.fuzz.guard import limit_memory
from tests.fuzz.run import fuzz, made
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzzes one target or all, prints a line each, and gives 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=("all", *TARGETS), default="all")
    parser.add_argument("--count", type=int, default=1000, help="inputs a target (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs (0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first input (0)")
    parser.add_argument("--memory", type=int, default=2**31, help="bytes it may ask for (2 GiB)")
    parser.add_argument("--keep", type=Path, help="folder for the inputs of findings")
    options = parser.parse_args()
    warnings.simplefilter("error")
    limit_memory(options.memory)
    found = 0
    for name in TARGETS if options.target == "all" else (options.target,):
        begin = time.monotonic()
        tally = fuzz(name, options.count, options.seed, options.first)
        found += len(tally.findings)
        print(
            f"{name}: {tally.read} read, {tally.refused} refused, {len(tally.findings)} findings, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )
        for number, what in list(tally.findings.items())[:20]:
            print(f"  input {number} of seed {options.seed}: {what}")
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                content = made(name, options.seed, number, mutants.seeds(name))
                (options.keep / f"{name}-{options.seed}-{number}").write_bytes(content)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
