"""The command: measure a study, keep what was measured, write its page."""

import argparse
import sys
from pathlib import Path

from studies import running


def main(arguments: list[str] | None = None) -> int:
    known = running.studies()
    parser = argparse.ArgumentParser(prog="python -m studies", description="Measure a study and write its page of the documentation.")
    parser.add_argument("study", nargs="?", choices=[*known], help="which one; without it they are listed")
    parser.add_argument(
        "--render-only", action="store_true", help="measure nothing: the page and its pictures from the results that are kept"
    )
    parser.add_argument(
        "--small", action="store_true", help="a small version in seconds, to see that it runs; its page is printed and nothing is kept"
    )
    asked = parser.parse_args(arguments)
    if asked.study is None:
        for name, module in known.items():
            print(f"{name:24} {(module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    module = known[asked.study]
    if asked.small:
        print(module.page(running.measured(module, small=True)))
        return 0
    results = running.results_path(asked.study)
    if not asked.render_only:
        running.write(results, running.measured(module, small=False))
    elif not results.exists():
        print(f"{results} does not exist: nothing was measured yet, leave out --render-only", file=sys.stderr)
        return 2
    for path in running.render(asked.study, module, running.read(results)):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
