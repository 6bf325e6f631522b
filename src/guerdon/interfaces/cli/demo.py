"""``guerdon demo``: the main job on an embedded example, in minutes, without a network."""

from pathlib import Path
from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json


def command(
    seed: Annotated[int, typer.Option(help="Everything random is derived from it.")] = 0,
    run: Annotated[Path | None, typer.Option(help="The folder of the run. Default: runs/demo and the seed.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Build a tiny language model, teach it a form by examples, improve it by a reward that can be checked. Stopped and started again, it
    goes on.

    Example: [bold]guerdon demo --seed 1[/bold]
    """
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.demo import demo
    from guerdon.interfaces.preparing import quiet
    from guerdon.interfaces.report import write
    from guerdon.training.display import Terminal

    quiet()
    folder = run or Path("runs") / f"demo-{seed}"
    shown = demo(folder, seed, Terminal())
    page = write(shown.folder)
    model = shown.folder / "model"
    if json:
        sides = {"before": shown.before, "after": shown.after}
        figures = {name: {"accuracy": e.value, "low": e.low, "high": e.high} for name, e in sides.items()}
        as_json(figures | {"seconds": shown.seconds, "run": str(shown.folder), "model": str(model), "report": str(page)})
        return
    console.print("\nexact answers to problems that were never seen (95 % intervals)", style="bold")
    for name, e in (("before, taught by examples", shown.before), ("after, practised for reward", shown.after)):
        console.print(f"  {name:<28}{100 * e.value:5.1f} %   ({100 * e.low:.1f} to {100 * e.high:.1f})")
    console.print(f"\nseconds {', '.join(f'{name} {s:.0f}' for name, s in shown.seconds.items())}")
    console.print(
        f"run     {shown.folder}\nreport  {page}\nmodel   {model} (AutoModelForCausalLM.from_pretrained loads it)",
        markup=False,
        soft_wrap=True,
    )
    console.print("\nnext", style="bold")
    for idea in (f"guerdon sample {model} --prompt 'tjabqcfdri>' -n 4", "guerdon show grpo", "guerdon atlas list"):
        console.print(f"  {idea}", markup=False, soft_wrap=True)
