"""The page: what the model of costs is, how far it is off, and what it says of more cards than there are here."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from guerdon.costs.machine import ON_CARDS, PROCESSOR, REACHED
from guerdon.costs.step import Design
from studies.scale._picture import CARDS as CARDS_PICTURE
from studies.scale._picture import CHECKED
from studies.scale._predicting import AHEAD, CARDS, GROUP, LONGEST, MEAN, PROMPT, PROMPTS
from studies.scale._published import SOURCES

NAMES = {
    "learning": "a trainer alone",
    "drawing": "drawing alone",
    "in turn": "a step in turn",
    "ahead": "a step ahead",
    "speed-up": "speed-up of ahead",
}


def page(results: dict[str, Any]) -> str:
    measured = results["measured"]
    parts = [_head(), _model(), _fit(measured["fit"]), _told(measured["told"]), _published(measured["published"])]
    parts += [_predicted(measured["predicted"]), _ends(measured["predicted"]), _changed(measured["predicted"]), _foot(results)]
    return "\n".join(parts)


def _head() -> str:
    return """# What a step costs, on one card and on a thousand

Nobody here has a thousand cards. This page is a calculation: what a step takes as a function of sizes, lengths, cards and bandwidths (`guerdon.costs`, which `guerdon check`
uses too), fitted to what was measured on two cores, held against what others published of up to 192 cards, and then asked where our own design stops.

```bash
make studies ARGS=scale      # measures what has to be measured, writes this page and its pictures (some three minutes)
guerdon check run.yaml       # the same functions for a run of yours, on this machine, on more processes and on a card
```
"""


def _model() -> str:
    design = Design()
    return f"""## The model

| part of a step | seconds |
| --- | --- |
| reading prompts | operations / rate of learning |
| a decoding step of b rows | launches + max(operations / rate of drawing, weights / bandwidth of memory) + cache of b rows / bandwidth |
| sampling | the sum over decoding steps until the last completion has ended; rows that have ended are gone |
| log-probabilities (of a reference, or anew) | operations of a forward pass / rate of learning |
| learning | operations of a forward and a backward pass, and of another forward pass where activations are computed again, / rate; logits that are moved; 28 bytes a weight for the optimiser |
| exchange | rollouts as objects, {design.told_bytes:g} bytes a token padded to the longest, to every process; {design.exchanges} exchanges; what every process does with every completion |
| gradients | 4 bytes a weight, (cards − 1) / cards of them over the link, and a hop for each card |
| weights | the same with 2 bytes; ahead: 2 bytes a weight handed on to those that draw |
| in turn | the sum |
| k steps [ahead](servers.md#drawing-ahead) | the longer of drawing and learning, each on cards of its own; a card that has drawn its own goes on with the next step's, and the last one has the time of k steps |
| the same, where a card decodes completions of several steps together | drawing takes a k-th of what k batches at once take |

Operations are counted as in [Speed and memory](performance.md#how-it-is-measured) and agree with torch's own counter; lengths of completions are the quantiles of an exponential that is cut off, of which only the
mean and the longest have to be known. A card gets whole prompts, and the card with the longest completion is the one that all wait for.
"""


def _fit(fit: dict[str, Any]) -> str:
    found, jobs = fit["constants"], fit["jobs"]
    off = _spread(j["left_out_s"] / j["measured_s"] for j in jobs)
    worst = sorted(jobs, key=lambda j: -abs(math.log(j["left_out_s"] / j["measured_s"])))[:3]
    rows = [
        [
            j["job"],
            f"{j['measured_s']:.3g}",
            _of(j["fitted_s"], j),
            _of(j["left_out_s"], j),
            f"{j['sampling_s']:.2f}",
            f"{j['learning_s']:.2f}",
        ]
        for j in jobs
    ]
    table = _table(["job", "measured, s", "fitted ÷ measured", "left out ÷ measured", "sampling, s", "learning, s"], rows)
    named = ", ".join(f"{j['job']} ({j['left_out_s'] / j['measured_s']:.2f})" for j in worst)
    return f"""## Fitted to what was measured here

Five constants, by least squares on the logarithm of the seconds of {len(jobs)} jobs that `make bench` measured on two cores:

{
        _table(
            ["constant", "value"],
            [
                ["learning, share of the rate of large products", f"{found['learning']:.2f}"],
                ["drawing, share of the same", f"{found['drawing']:.2f}"],
                ["bytes a second that a sampler reads (out of caches)", _si(found["reading"], "B/s")],
                ["a layer that has next to nothing to do", f"{1e3 * found['launch']:.2f} ms"],
                ["a step besides", f"{1e3 * found['step']:.1f} ms"],
            ],
        )
    }
Each job left out once and predicted by the fit to the others: typically off by a factor of **{
        off:.2f}** (root mean square of the logarithm). Furthest: {named}. A vocabulary of 65,536 over
a body of width 256 takes longer than its arithmetic says, what is sampled alone is faster than what is sampled within GRPO, and DPO faster than its four passes.

{table}"""


def _told(told: Sequence[dict[str, Any]]) -> str:
    rows = [
        [
            t["processes"],
            e["completions"],
            e["tokens"],
            f"{e['bytes'] / 1e6:.2f}",
            f"{1e3 * e['seconds']:.1f}",
            f"{e['bytes'] / e['seconds'] / 1e6:.0f}",
        ]
        for t in told
        for e in t["exchanges"]
    ]
    empty = ", ".join(f"{1e3 * t['empty_s']:.1f} ms on {t['processes']}" for t in told)
    step = told[0]["step"]
    return f"""### Rollouts that are told to all

Our processes tell each other what they drew as pickled objects (`guerdon.processes`). Measured with `gloo` on the same two cores, the fastest of fifteen:

{_table(["processes", "completions", "tokens of each", "MB", "ms", "MB a second"], rows)}
An exchange of nothing takes {empty}. A step of GRPO makes {step["exchanges"]:.0f} of them, and every process spends {1e6 * step["alike_s"]:.0f} µs on every completion, whoever drew it (its rewards, its text, its
place in the batch, its advantage). In the model: {_si(PROCESSOR.telling, "B/s")} and {1e6 * PROCESSOR.alike:.0f} µs. Other work ran on the machine meanwhile, so these are too long rather than too short.
"""


def _published(figures: Sequence[dict[str, Any]]) -> str:
    rows = [
        [
            f"[{f['source']}]({SOURCES[f['source']]})",
            f["what"],
            f"{_figure(f['value'])} {f['unit']}",
            _figure(f["predicted"]),
            f"{f['slower']:.2f}",
        ]
        for f in figures
    ]
    kinds = [
        [NAMES[kind], len(some), f"{math.exp(sum(map(math.log, some)) / len(some)):.2f}", f"{min(some):.2f} to {max(some):.2f}"]
        for kind in NAMES
        if (some := [f["slower"] for f in figures if f["kind"] == kind])
    ]
    steps = [f for f in figures if f["kind"] != "speed-up"]
    within = sum(0.5 <= f["slower"] <= 2 for f in steps)
    assumed = "\n".join(
        f"* {source}: {what}." for source, what in dict.fromkeys((f["source"], f["assumed"]) for f in figures if f["assumed"])
    )
    return f"""## Held against what others published

**Nothing was fitted to a published figure**, and no constant differs from row to row. A card is its data sheet: of its products {REACHED:.0%} are reached by large products, and of those the
shares that were fitted here ({ON_CARDS.learning:.2f} learning, {ON_CARDS.drawing:.2f} drawing). Set beforehand and by judgement: {ON_CARDS.reading:.0%} of the memory's bandwidth, {ON_CARDS.link:.0%} of the link's,
{1e6 * ON_CARDS.launch:.0f} µs for a layer of a decoding step, {1e6 * ON_CARDS.hop:.0f} µs for a hop. Of their designs, which are not ours, it is assumed that gradients and weights travel while something else is computed, that
completions are dealt out evenly, that a card decodes those of several steps together where it draws ahead, and that each is learned with its own copy of the prompt. Besides:

{assumed}

{_table(["who", "what", "published", "predicted", "published ÷ predicted time"], rows)}
{_table(["kind", "figures", "published ÷ predicted, geometric mean", "from, to"], kinds)}
![Predicted beside measured here, and beside published](images/{CHECKED})

The line is equality, the grey band a factor of two: {within} of {len(steps)} published times lie in it. For a speed-up the ratio is published ÷ predicted speed-up.

Where the model is wrong, and by how much:

* **Dense models are met** to within a factor of 1.4: a trainer alone on long texts to a fifth, whole loops of 8B and 32B on 16 to 64 H100 to a third, in turn and one step ahead.
* **A trainer of RL on short rows (16k tokens a card and micro-batch) takes 2.4 to 2.7 times as long as predicted**, while the same card's SFT is met: something that takes as long whatever the length is,
  and is not in the model.
* **Mixtures of experts take 1.5 to 3.5 times as long.** The model counts the operations of the experts that a token meets and the weights that a batch meets; what it takes to send tokens to their experts,
  and that each expert gets few, is left out.
* **verl's own columns do not follow from one length.** With the length that its pass without gradients implies, learning on the same cards is predicted 1.6 times as long as it was, and the steps
  ahead, on half of the cards, took less learning than half of the cards can give (314 s on 16 cards, where 32 cards took 270 s): the answers of those runs were shorter, and nobody says by how much. What the
  figures do show is that drawing does not get faster from 64 to 128 cards, and that is not predicted.
* **AReaL's steps are predicted up to twice as long as they were.** Its answers are taken as long as they can be: "below 5 %" are cut off, and 5 % were assumed. Of the two figures of each model only the
  quotient is free of that, and it is the next item.
* **What asynchrony gains is predicted too small** (the last kind of row). In the model a step in turn loses to its longest completion and to weights that are read for few rows; published
  steps in turn lose more (loading, resharding, validation, tails longer than an exponential's), all of which a run ahead hides.
"""


def _predicted(predicted: dict[str, Any]) -> str:
    rows = []
    for name, one in predicted.items():
        for cards in map(str, CARDS):
            turn, ahead = one["in_turn"][cards], {k: one["ahead"][k][cards] for k in one["ahead"]}
            if turn is None:
                rows.append([name, f"{int(cards):,}", "no room", f"({one['without_bound'][cards]:.0f})", *[""] * (len(ahead) + 1)])
                continue
            shared = [f"{ahead[k]['step_s']:.0f} ({ahead[k]['drawing']:,} draw)" if ahead[k] else "no room" for k in ahead]
            rest = turn["total"] - turn["sampling"] - turn["learning"]
            rows.append(
                [
                    name,
                    f"{int(cards):,}",
                    f"**{turn['total']:.0f}**",
                    f"{turn['sampling']:.0f} + {turn['learning']:.0f} + {rest:.1f}",
                    *shared,
                    _use(one, cards),
                ]
            )
    return f"""## 8, 64 and 1,024 cards

A step of {PROMPTS} prompts of {PROMPT} tokens, {GROUP} completions each, {MEAN:,} tokens on average and {LONGEST:,} at most; shapes of Qwen3; H100, 400 Gbit/s a card between machines; activations computed again; every parameter trained,
no reference. **Our design as it is, and shares as above: on cards neither was measured** (from the table before, a factor of two either way is to be expected).

{_table(["model", "cards", "in turn, s", "sampling + learning + rest", *(f"{how}, s" for how in AHEAD), "of use"], rows)}
In brackets, where there is no room: what it would take if there were. *Of use*: what a card of so many does, in turn, of what a card does by itself with unbounded memory.

![A step by what takes its time, on 1 to 4,096 cards, if there were room](images/{CARDS_PICTURE})

With few cards nothing is gained by running ahead: both sides' work stays what it was, and is only shared otherwise. With many it hides learning, and a little of the longest completion: of ours every card that
draws has long ones, and goes on only when they have ended. Most would be gained where a card takes up the next step's completions as others end, as engines do, with weights that change in between (the last
column but one); of ours each step is drawn with weights of its own, so that a run is the same whoever draws.
"""


def _use(one: dict[str, Any], cards: str) -> str:
    alone = next(sum(v for k, v in at.items() if k != "cards") for at in one["curve"] if at["cards"] == 1)
    return f"{alone / int(cards) / one['in_turn'][cards]['total']:.0%}"


def _ends(predicted: dict[str, Any]) -> str:
    parts = list(next(iter(predicted.values()))["past_learning"])
    rows = [
        [
            name,
            f"{one['parameters'] / 1e9:.1f}e9",
            f"{one['whole_bytes'] / 2**30:.0f} GiB",
            _cards(one["least_cards"], "none has room"),
            f"{one['alone_s']:.0f} s",
            *(_cards(one["past_learning"][part], "never") for part in parts),
            _cards(one["waits"], "later than 4,096"),
            _cards(one["half"], "later than 4,096"),
        ]
        for name, one in predicted.items()
    ]
    head = ["model", "weights", "whole on every card", "cards it takes", "longest completion alone"]
    return f"""## Where our design stops

{_table([*head, *(f"{part} ≥ learning, from" for part in parts), "longest completion half of sampling, from", "under half of use, from"], rows)}
* **Whole weights on every card end it first.** Two bytes a weight to compute and four of a gradient stay whatever the number of cards; twelve more are divided. {_room(predicted)}
* **Then the longest completion.** One card draws it, token by token, and each token reads all weights: no number of cards makes sampling shorter than that completion takes by itself, and in turn all of them wait. The last
  column but one says from where on it is half of sampling.
* **Then rollouts that are told to all.** Padded to the longest, {PROMPTS * GROUP:,} completions are {Design().told_bytes * PROMPTS * GROUP * LONGEST / 1e9:.1f} GB, which every process packs, gathers and unpacks however many
  there are, and {PROMPTS * GROUP * PROCESSOR.alike:.1f} s in which every process does the same with all of them. For small models this passes learning on some tens of cards.
* **Whole prompts.** From {PROMPTS} cards on there is no prompt left for a further card to draw: it learns, and waits.
* **Gradients and weights** take as long on a thousand cards as on nine (a ring), which is less than sampling at every size here; they pass learning where each card has a few seconds of it.
* **A reward that reads the whole batch** is asked once, by the first process: a millisecond a completion is {PROMPTS * GROUP / 1000:.0f} s, on any number of cards.
"""


def _changed(predicted: dict[str, Any]) -> str:
    steps = [[change["step"] for change in one["changes"]] for one in predicted.values()]
    names = [change["what"] for change in next(iter(predicted.values()))["changes"]]
    rows = [[what, *(_seconds(of_shape[i]) for of_shape in steps)] for i, what in enumerate(names)]
    least = ", ".join(f"{name} from {_cards(one['least_cards_split'], 'nowhere')}" for name, one in predicted.items())
    return f"""## What would be changed then

A step in turn on {CARDS[-1]:,} cards, seconds, each change on top of those before it:

{_table(["", *predicted], rows)}
* `fully_shard` by layer for what computes, weights gathered while the layer before is computed and gradients summed while the one before is: then {least} cards have room. It forbids to copy a model as
  references, critics and saving do here, and has to meet our own code for layers ([Architecture](architecture.md#what-was-decided-and-why)); it pays from 8B on.
* A rollout goes to the process that learns from it, and to all others only what a group's statistics need: a reward, a length. Unpadded, as bytes of tensors and not as objects.
* Completions of a prompt are shared out as well; its key-value cache is computed once on each card that has some.
* Several cards draw as one (each with a part of every matrix), which is what an engine behind `acting.engines` is for: the one change that makes the longest completion shorter.
* k steps ahead with completions of several steps drawn together, which hides it instead; what is drawn then depends on who draws and how fast, unless each row keeps the weights that it began with.
"""


def _foot(results: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"""## What this page does not know

Batches of different lengths in one step, contexts that differ from prompt to prompt, networks that others use too, failures and restarts, evaluation, what a server or an engine adds to a decoding step, formats of
eight bits, and attention that is not over all tokens. A card was never asked: its shares are carried over from a processor. Measured {results["date"]} on {results["cores"]} cores in {results["duration_s"]:.0f} s; {versions}.
"""


def _room(predicted: dict[str, Any]) -> str:
    there = [f"{name} takes {_cards(one['least_cards'], '')}" for name, one in predicted.items() if one["least_cards"]]
    never = [name for name, one in predicted.items() if not one["least_cards"]]
    return f"On 80 GB {', '.join(there)}" + (f", and no number of them can hold {', '.join(never)}." if never else ".")


# small things


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def _spread(ratios: Iterable[float]) -> float:
    logs = [math.log(ratio) for ratio in ratios]
    return math.exp(math.sqrt(sum(x * x for x in logs) / len(logs)))


def _of(seconds: float, job: dict[str, Any]) -> str:
    return f"{seconds / job['measured_s']:.2f}"


def _si(value: float, unit: str) -> str:
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def _cards(count: int | None, otherwise: str) -> str:
    return otherwise if count is None else f"{count:,}"


def _seconds(step: dict[str, float] | None) -> str:
    return "no room" if step is None else f"{step['total']:.1f}"
