"""``guerdon check``: look at everything about a run before it is started."""

from pathlib import Path
from typing import Annotated, Any

import typer

from guerdon.interfaces.cli._arguments import File, Json, Overrides

NEEDS_ARGUMENTS = True
FAR = 3  # times off: what is predicted is no guide


def command(
    file: File,
    overrides: Overrides = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows are shown.")] = 3,
    prompts: Annotated[
        int | None,
        typer.Option(min=1, help="How many prompts are tried to see how hard the task is. Default: what 15 s allow, at most 32."),
    ] = None,
    completions: Annotated[int, typer.Option(min=2, help="Completions of each of them.")] = 8,
    temperatures: Annotated[str, typer.Option(help="At which besides that of the run, such as 0.7,1.3.", show_default=False)] = "",
    labelled: Annotated[
        Path | None, typer.Option(help="Rows with prompt, chosen, rejected, on which judges are measured first.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Show the tokens and what of them is trained, run the rewards on gold answers and on samples, say how hard the task is for the model and which groups would
    teach nothing, compare the sampler with the learner, estimate memory and time, and refuse what cannot work. Nothing is saved.

    Example: [bold]guerdon check run.yaml num_generations=4 --prompts 64[/bold]
    """
    from guerdon.interfaces.check import as_data, check
    from guerdon.interfaces.check.difficulty import Asked
    from guerdon.interfaces.cli._printing import as_json
    from guerdon.interfaces.configuration import read
    from guerdon.training.display import Silent, Terminal

    asked = Asked(prompts, completions, _temperatures(temperatures))
    findings = check(read(file, overrides or []), rows, asked, Silent() if json else Terminal(), labelled)
    if json:
        as_json(as_data(findings))
        return
    for one in findings:
        _print(one)


def _temperatures(text: str) -> tuple[float, ...]:
    from guerdon.errors import InputError

    try:
        return tuple(float(one) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise InputError(f"--temperatures: {text!r} is no list of numbers; write them with commas between them, such as 0.7,1.0") from error


def _print(findings: Any) -> None:
    from guerdon.interfaces.cli import _episodes
    from guerdon.interfaces.cli._difficulty import shown
    from guerdon.interfaces.cli._printing import console

    found = findings.found
    if findings.name:
        console.rule(f"{findings.name} ({findings.loop})")
    if "tokens" in found:
        console.print("tokens: [dim]read[/dim], [bold green]trained[/bold green]")
        for row in found["tokens"]:
            for side, tokens in row["sides"].items():
                console.print(_line(f"  row {row['row']} {side}: ", tokens), soft_wrap=True)
    if "lengths" in found:
        at = found["lengths"]
        room = "no bound" if at["room"] is None else f"room for {at['room']}"
        console.print(
            f"{at['what']}: {at['rows']}, tokens median {at['median']}, longest {at['longest']}, {room}, too long {at['too_long']} of {at['looked_at']}"
        )
    if "rewards" in found:
        _print_rewards(console, found["rewards"])
    if "episodes" in found:
        console.print(_episodes.shown(found["episodes"]), markup=False, soft_wrap=True)
    for place, judge in found.get("judges", {}).items():
        _print_judge(console, place, judge)
    if "difficulty" in found:
        console.print(shown(found["difficulty"]), markup=False, soft_wrap=True)
    if "not_yet" in found:
        console.print(
            f"difficulty: not measured, since this begins with what {found['not_yet']!r} will have learned; check it with that model as model.source, without the stages before",
            markup=False,
            soft_wrap=True,
        )
    if found.get("agreement", {}).get("tokens"):
        at = found["agreement"]
        console.print(
            f"log-probabilities of {at['tokens']} tokens: sampler and learner differ by at most {at['sampler_learner']:.1e}, learner and plain "
            f"computation by {at['learner_plain']:.1e} (gradient {at['gradient_plain']:.1e})",
            soft_wrap=True,
        )
    if "placement" in found:
        console.print(f"placement: {found['placement']}", markup=False, soft_wrap=True)
    if found.get("ways"):
        at = found["ways"]
        attention = "".join(f", attention {what} by {how}" for what, how in at.get("attention", {}).items())
        drawn = f", completions drawn {at['drawn']}" if "drawn" in at else ""
        console.print(f"computed in {at['dtype']} on {at['device']}{attention}{drawn}", markup=False, soft_wrap=True)
    _print_cost(console, found["cost"])
    doubts = {doubt["said"]: doubt for doubt in found.get("doubts", ())}
    for warning in findings.warnings:
        console.print(f"[bold yellow]warning[/bold yellow] {_escaped(warning)}", soft_wrap=True)
        for side, tokens in doubts.get(warning, {"sides": {}})["sides"].items():
            console.print(_line(f"  row {doubts[warning]['row']} {side}: ", tokens), soft_wrap=True)
    if not findings.warnings:
        at = found.get("lengths", {"looked_at": 0, "rows": 0})
        some = f" in the {at['looked_at']} of {at['rows']} rows that were looked at" if at["looked_at"] < at["rows"] else ""
        console.print(f"[bold green]nothing doubtful{some}[/bold green]")


def _print_rewards(console: Any, rewards: dict[str, Any]) -> None:
    console.print(f"rewards: {', '.join(rewards['components'])}")
    for gold in rewards["gold"]:
        console.print(f"  gold of row {gold['row']} {_said(gold['answer'])}: {_components(gold)}", markup=False, soft_wrap=True)
    sampled = rewards["sampled"]
    console.print(_line("  sampled: ", sampled["tokens"]), soft_wrap=True)
    console.print(f"    {_components(sampled)}{'' if sampled['ended'] else ' (cut off)'}", markup=False)


def _print_judge(console: Any, place: str, found: dict[str, Any]) -> None:
    def said(name: str) -> str:
        at = found[name]
        return "is not known" if at is None else f"{at['value']:.0%} ({at['low']:.0%} to {at['high']:.0%})"

    cost = found["cost"]
    agrees = "agrees with no verdict" if found["agreement"] is None else f"agrees with {said('agreement')}"
    lines = [f"{place}: {agrees} of {found['pairs']} labelled pairs"]
    longer = found["longer_labelled"]
    lines.append(
        f"  prefers the longer answer in {said('longer')} of the pairs"
        + ("" if longer is None else f", the labels in {longer['value']:.0%}")
    )
    lines += [] if found["first_place"] is None else [f"  prefers the answer that is shown first in {said('first_place')} of verdicts"]
    lines.append(f"  comes to the same verdict again in {said('again')} of pairs of votes")
    flips = ", ".join(f"{name} {share['value']:.0%} of {share['of']}" for name, share in found["flips"].items())
    lines.append(f"  order turned by edits that do not matter: {flips or 'none could be made'}")
    lines.append(f"  could not be read: {said('unread')}" + (f", the first because {found['why_unread']}" if found["why_unread"] else ""))
    money = f", {cost['money']:.3g} of money" if cost["money"] else ""
    whole = f" and {cost['planned_money']:.3g} of money" if cost["money"] else ""
    lines.append(
        f"  a verdict takes {cost['read']:.0f} tokens read and {cost['written']:.0f} written{money}: {cost['planned_tokens']:,.0f} tokens{whole} for the {cost['planned']:,} "
        "verdicts of the run"
    )
    console.print("\n".join(lines), markup=False, soft_wrap=True)


def _print_cost(console: Any, cost: dict[str, Any]) -> None:
    if "memory" in cost:
        memory = cost["memory"]
        kinds = ", ".join(f"{k.replace('_', ' ')} {_bytes(v)}" for k, v in memory.items() if v and "parameters" not in k and k != "total")
        console.print(f"parameters: {memory['parameters']:,}, trained {memory['trained_parameters']:,}")
        console.print(f"memory: about {_bytes(memory['total'])} ({kinds})", soft_wrap=True)
        again = cost.get("checkpointing", {"on": False, "saves": 0})
        if again["on"]:
            console.print(
                f"  only the inputs of layers are kept for the gradient (activation_checkpointing): about {_bytes(again['saves'])} less",
                soft_wrap=True,
            )
        elif again["saves"] > memory["total"] / 4:
            console.print(
                f"  activation_checkpointing=true would take about {_bytes(again['saves'])} less and a quarter more time or so, and change no result",
                soft_wrap=True,
            )
    time = cost["time"]
    console.print(
        f"time: {time['measured_s']:.2f} s for a step of {time['measured_rows']} rows, so about {time['step_s']:.1f} s a step and "
        f"{_duration(time['total_s'])} for {time['steps']} steps, evaluations not counted",
        soft_wrap=True,
    )
    if cost.get("elsewhere"):
        _print_elsewhere(console, cost["elsewhere"], time["step_s"])


def _print_elsewhere(console: Any, found: dict[str, Any], step_s: float) -> None:
    """What takes the step's time, and the step elsewhere; parts of less than a hundredth are left out."""
    parts = ", ".join(f"{name.replace('_', '-')} {value / step_s:.0%}" for name, value in found["parts_s"].items() if value >= step_s / 100)
    far = "" if 1 / FAR < step_s / found["predicted_s"] < FAR else ", too far off to go by"
    console.print(f"  by the model of costs (which says {_brief(found['predicted_s'])} a step{far}): {parts}", soft_wrap=True)
    said = [f"{_brief(step)} on {count}" for count, step in found["machines"].items()]
    if "ahead" in found:
        at = found["ahead"]
        said.append(f"{_brief(at['step_s'])} on {at['machines']}, {at['drawing']} of which draw one step ahead")
    card = found["card"]
    said.append(f"no room on one {card['name']}" if card["step_s"] is None else f"{_brief(card['step_s'])} on one {card['name']}")
    console.print(f"  elsewhere, predicted: with machines like this one {'; '.join(said)}", soft_wrap=True)


def _brief(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"


def _line(label: str, tokens: list[dict[str, Any]]) -> Any:
    from rich.text import Text

    text = Text(label)
    for token in tokens:
        text.append(token["text"].replace("\n", "\\n\n"), style="bold green" if token["trained"] else "dim")
    return text


def _components(row: dict[str, Any]) -> str:
    return row["error"] or ", ".join(f"{name} {value:g}" for name, value in row["components"].items())


def _said(answer: Any) -> str:
    text = repr(answer if isinstance(answer, str) else answer[-1]["content"])
    return text if len(text) <= 60 else f"{text[:57]}..."


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
