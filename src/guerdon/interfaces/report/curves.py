"""Curves: which metrics share a plot, and the sentence that says what they mean and what is normal."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from guerdon.evaluation.coming_apart import LEVEL, Apart, coming_apart
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.report.figures import accuracy, right
from guerdon.interfaces.report.reading import Record


@dataclass(frozen=True)
class Line:
    """One curve: a metric, its name in the legend, and whether it is measured rarely (drawn with its points)."""

    metric: str
    label: str
    rare: bool = False
    negate: bool = False
    right: bool = False  # on an axis of its own, at the right


@dataclass(frozen=True)
class Panel:
    """One plot."""

    title: str
    sentence: str
    lines: tuple[Line, ...]
    log: bool = False
    bound: float | None = None  # the health rule's, drawn as a line
    moment: float | None = None  # a step from which on something is otherwise, drawn as a line
    first: bool = False  # shown without asking
    smooth: bool = True  # where it is long, drawn pale with its running mean on top


PANELS = (
    Panel(
        "Reward",
        "What is being maximised, as a mean over the completions that were sampled, and over held-out prompts answered with the most "
        "likely tokens. Both should rise; the held-out curve is the one that counts.",
        (Line("reward", "sampled"), Line("eval/reward", "held out", rare=True)),
        first=True,
    ),
    Panel(
        "Held-out pair accuracy",
        "Share of pairs whose chosen side scores higher. 50 % is chance; the distance between the training curve and the held-out one is "
        "what was learned by heart.",
        (Line("rewards/accuracies", "training"), Line("eval/rewards/accuracies", "held out", rare=True)),
        bound=0.5,
        first=True,
    ),
    Panel(
        "Margins",
        "Score of the chosen side minus that of the rejected one. It may grow while both fall: then the model is moving away from both "
        "texts, which is normal for a while and harmful when it goes on.",
        (Line("rewards/margins", "training"), Line("eval/rewards/margins", "held out", rare=True)),
        first=True,
    ),
    Panel(
        "Scores of the two sides",
        "The two scores whose difference is the margin. For a policy they are implicit rewards: how much more likely the text has become "
        "than it was to the reference, so both may be negative.",
        (Line("rewards/chosen", "chosen"), Line("rewards/rejected", "rejected")),
    ),
    Panel(
        "Log-probability of the two sides",
        "How likely the policy finds the texts. The chosen text may become less likely too; if it falls without end, lower the learning "
        "rate or add a likelihood term.",
        (Line("logps/chosen", "chosen"), Line("logps/rejected", "rejected")),
    ),
    Panel(
        "Loss",
        "The value that the gradient is taken of. For imitation and comparisons it should fall. For reinforcement learning it hovers "
        "around zero and says nothing about progress: look at the reward instead.",
        (Line("loss", "training"), Line("eval/loss", "held out", rare=True)),
        first=True,
    ),
    Panel(
        "Spread of rewards in a group",
        "Standard deviation among the answers to one prompt: the signal that group-relative methods learn from. It shrinks as prompts become "
        "always solved.",
        (Line("reward_std", "within a group"),),
    ),
    Panel(
        "Groups without any signal",
        "Share of groups whose answers all got the same reward. They give no gradient; above 0.8 most sampling is wasted, and the task is "
        "too easy or too hard.",
        (Line("frac_reward_zero_std", "all rewards equal"),),
        bound=0.8,
    ),
    Panel(
        "Entropy",
        "How undecided the policy is at each token, in nats. Where it was not measured itself, it is estimated by the sampled tokens' mean "
        "negative log-probability. It falls as the policy gets sure; falling to nothing early ends exploration.",
        (Line("entropy", "measured"), Line("sampling/logp", "estimated", negate=True)),
        first=True,
    ),
    Panel(
        "Divergence from the reference",
        "Mean KL divergence per token from the model that training started at, in nats. It grows as the policy moves; a sudden jump often comes "
        "with answers that please the reward only.",
        (Line("kl", "KL to the reference"),),
        first=True,
    ),
    Panel(
        "Right at the first and at the last attempt",
        "Share of conversations whose first, and whose last, answer got a full reward of 1. Where only the last one rises, the policy learns to mend; where both do and stay "
        "equal, it learns to answer, and does nothing with a further attempt.",
        (
            Line("attempts/right_1", "first"),
            Line("attempts/right_last", "last"),
            Line("eval/attempts/right_1", "held out, first", rare=True),
            Line("eval/attempts/right_last", "held out, last", rare=True),
        ),
        first=True,
    ),
    Panel(
        "What further attempts change",
        "Share of conversations in which a wrong first answer became right in the end, and in which a right one became wrong. The second should be near zero.",
        (
            Line("attempts/wrong_to_right", "wrong to right"),
            Line("attempts/right_to_wrong", "right to wrong"),
            Line("eval/attempts/wrong_to_right", "held out, wrong to right", rare=True),
            Line("eval/attempts/right_to_wrong", "held out, right to wrong", rare=True),
        ),
        first=True,
    ),
    Panel(
        "Episodes that come to their end",
        "Share of episodes that the environment ended by its own rules, and of those that failed or found no room for what was to be told. An end is "
        "not yet a success: what it was worth, the reward says.",
        (
            Line("environment/over", "come to their end"),
            Line("environment/failed", "failed"),
            Line("environment/no_room", "no room"),
            Line("eval/environment/over", "held out, come to their end", rare=True),
        ),
        first=True,
    ),
    Panel(
        "Turns of an episode",
        "How often the policy speaks in an episode, and how often it calls tools. Calls that could not be read, or were not as their tool takes them, should fall.",
        (
            Line("environment/turns", "turns"),
            Line("environment/calls", "calls"),
            Line("environment/calls_wrong", "wrong calls"),
            Line("eval/environment/turns", "held out, turns", rare=True),
        ),
        first=True,
    ),
    Panel(
        "Length of completions",
        "Tokens per completion. Growth without gain in held-out reward is a sign that length itself is being rewarded.",
        (
            Line("completions/mean_length", "mean"),
            Line("completions/min_length", "shortest"),
            Line("completions/max_length", "longest"),
            Line("eval/completions/mean_length", "held out, mean", rare=True),
        ),
        first=True,
    ),
    Panel(
        "Cut-off completions",
        "Share of completions that reached the length limit before they ended. Above one half the reward mostly judges unfinished answers: "
        "raise max_completion_length.",
        (Line("completions/clipped_ratio", "cut off"),),
        bound=0.5,
    ),
    Panel(
        "Gap between sampler and learner",
        "Difference between a token's log-probability when it was sampled and when it was learned from, before any step was made. Theory "
        "says zero; in float32 anything above 1e-3 means that the two do not compute the same model.",
        (Line("sampling/sampling_logp_difference/max", "largest"), Line("sampling/sampling_logp_difference/mean", "mean")),
        log=True,
        bound=1e-3,
        first=True,
    ),
    Panel(
        "Effective sample size of rollouts",
        "How many fresh tokens (answers) the sampled ones are worth, as a share: 1 where the policy that drew them is the policy, near 0 where the importance "
        "weights of a few would outweigh all others.",
        (
            Line("sampling/effective_sample_size/token", "tokens"),
            Line("sampling/effective_sample_size/sequence", "answers"),
            Line("sampling/effective_sample_size/corrected", "tokens, corrected"),
        ),
    ),
    Panel(
        "Steps where the ratio was clipped",
        "Share of tokens with an advantage that gave no gradient because the policy had moved too far from the one that sampled them. Zero "
        "where every batch is used once.",
        (Line("clip_ratio/region_mean", "clipped"),),
    ),
    Panel(
        "Size of the gradient",
        "Norm of the gradient before it was clipped. Spikes mark batches to look at; a steady rise often comes before a collapse.",
        (Line("grad_norm", "policy"), Line("critic/grad_norm", "critic")),
        log=True,
    ),
    Panel(
        "What went wrong",
        "Steps that were skipped because loss or gradient was not finite, and the share of completions whose reward failed. Both should stay at zero.",
        (
            Line("skipped_steps", "skipped steps"),
            Line("rewards/failed", "rewards failed"),
            Line("empty_steps", "steps with nothing to learn from"),
        ),
        first=True,
    ),
    Panel(
        "Critic",
        "Loss of the model that estimates the return. It should fall and then follow the reward's changes.",
        (Line("critic/loss", "loss"),),
    ),
    Panel(
        "Learning rate",
        "The step size as scheduled.",
        (Line("learning_rate", "policy"), Line("critic/learning_rate", "critic")),
        smooth=False,
    ),
    Panel(
        "Seconds per step",
        "Everything in a step: sampling, judging, learning. Rewards that run while sampling goes on cost nothing of their own.",
        (
            Line("step_time", "seconds"),
            Line("time/sampling", "sampling"),
            Line("time/rewards", "waiting for rewards"),
            Line("time/rewards_hidden", "rewards while sampling"),
        ),
    ),
)


@dataclass
class Drawn:
    """The data of one line: steps, values and, where single outcomes are known, an interval. ``series``: its place among runs that are compared."""

    label: str
    steps: list[int]
    values: list[float]
    rare: bool = False
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    series: int | None = None
    right: bool = False


def curves(record: Record) -> list[tuple[Panel, list[Drawn]]]:
    """The panels for which something was logged, and reward components as a panel of their own."""
    found = []
    measured = _accuracy(record)
    if measured is not None:
        sentence = (
            "Share of held-out prompts answered with full reward, taking the most likely tokens; the band is a 95 % interval over prompts."
        )
        found.append((Panel("Held-out accuracy", sentence, (), first=True), [measured]))
    for panel in (PANELS[0], *_monitors(record), *PANELS[1:], *_components(record)):
        lines = []
        for line in panel.lines:
            steps, values = record.series(line.metric)
            if line.metric == "sampling/logp" and lines:
                continue  # the entropy itself was measured
            if values:
                lines.append(Drawn(line.label, steps, [-v for v in values] if line.negate else values, line.rare, right=line.right))
        if lines and (len(lines[0].values) > 1 or not panel.log):
            found.append((panel, lines))
    return found


def shown_metrics() -> set[str]:
    """The metrics that have a place in a panel."""
    return {line.metric for panel in PANELS for line in panel.lines}


def _monitors(record: Record) -> Iterator[Panel]:
    """What is learned from beside each true reward that is only watched, and the moment at which they come apart."""
    for name in watched(record):
        found = come_apart(record, name)
        said = (
            "Nothing shows that they come apart."
            if found is None
            else f"They come apart at step {found.moment:.0f}, the dashed line: from {found.proxy[0]:.3g} on the reward rises to {found.proxy[1]:.3g} by step {found.seen:.0f}, "
            f"while {name} falls from {found.gold[0]:.3g} to {found.gold[1]:.3g}."
        )
        lines = (Line("reward", "learned from"), Line(f"monitor/{name}", f"{name} (right)", right=True))
        lines += (Line(f"eval/monitor/{name}", f"{name}, held out (right)", rare=True, right=True),)
        sentence = f"What is learned from, and {name}, which is measured and not learned from. {said} An alarm without a cause comes in 5 % of the runs at most."
        yield Panel(f"Reward and {name}", sentence, lines, first=True, moment=None if found is None else found.moment)


def watched(record: Record) -> list[str]:
    """The components that are watched and not learned from."""
    return [name.removeprefix("monitor/") for name in record.names() if name.startswith("monitor/")]


def come_apart(record: Record, name: str) -> Apart | None:
    """When the reward and a watched component come apart: among the answers that were sampled, or on held-out prompts, each at half the level."""
    steps, reward = record.series("reward")
    found = None
    for metric in (f"monitor/{name}", f"eval/monitor/{name}"):
        at, gold = record.series(metric)
        since = [-1, *at][: len(at)]
        learned = [
            np.mean(own) if (own := [r for s, r in zip(steps, reward, strict=True) if a < s <= b]) else np.nan
            for a, b in zip(since, at, strict=True)
        ]
        found = found or coming_apart(at, learned, gold, LEVEL / 2)
    return found


def _components(record: Record) -> tuple[Panel, ...]:
    names = [n for n in record.names() if n.startswith("rewards/") and n.endswith("/mean")]
    names = [n for n in names if n.count("/") == 2]
    if len(names) < 2:
        return ()  # a single component is the reward
    lines = tuple(Line(name, name.split("/")[1]) for name in names)
    sentence = "Every reward before they were combined, as a mean over the sampled completions. One that rises while the others fall is being exploited."
    return (Panel("Reward components", sentence, lines, first=True),)


def _accuracy(record: Record) -> Drawn | None:
    by_step = {s: [o.reward for o in outcomes if np.isfinite(o.reward)] for s, outcomes in sorted(record.held_out.items())}
    by_step = {step: values for step, values in by_step.items() if values}
    if len(by_step) < 2 or not accuracy([v for values in by_step.values() for v in values]):
        return None
    estimates = [Wilson()(right(values)) for values in by_step.values()]
    return Drawn("held out", list(by_step), [e.value for e in estimates], True, [e.low for e in estimates], [e.high for e in estimates])
