"""The command: measure a study, keep what was measured, write its page."""

import argparse
import inspect
import sys
from pathlib import Path
from types import ModuleType, NoneType
from typing import get_args

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
    asked, rest = parser.parse_known_args(arguments)
    if asked.study is None:
        if rest:
            parser.error(f"no study is named; what is {' '.join(rest)} for?")
        for name, module in known.items():
            print(f"{name:24} {(module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    module = known[asked.study]
    given = vars(_parameters(asked.study, module).parse_args(rest))
    if asked.small:
        print(module.page(running.measured(module, small=True)))
        return 0
    results = running.results_path(asked.study)
    if not asked.render_only:
        running.write(results, running.measured(module, small=False, **given))
    elif not results.exists():
        print(f"{results} does not exist: nothing was measured yet, leave out --render-only", file=sys.stderr)
        return 2
    for path in running.render(asked.study, module, running.read(results)):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return 0


def _parameters(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """What the study's ``measure`` takes besides ``small``, as options."""
    parser = argparse.ArgumentParser(prog=f"python -m studies {name}", usage=f"python -m studies {name} [options]")
    for parameter in list(inspect.signature(module.measure).parameters.values())[1:]:
        kinds = [kind for kind in get_args(parameter.annotation) if kind is not NoneType] or [parameter.annotation]
        parser.add_argument(f"--{parameter.name.replace('_', '-')}", type=kinds[0], default=parameter.default)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
