"""Quantities: every name by which a part may ask for something, with its shape, unit and cost.

The argument names of a part in ``credit`` or ``losses`` *are* its declaration of needs. The loop computes exactly
those, so nobody pays for a reference model or an entropy that no part reads.

Names compose by one grammar::

    [side_][view_][time_]quantity

* *side*: ``chosen_`` or ``rejected_``, the two sequences of a pair;
* *view*: a model and context other than the one being trained: ``old_`` (the policy that acted), ``proximal_`` (the
policy itself before the first gradient step on these rollouts), ``ref_`` (the reference), or whatever the recipe
binds (``ema_``, ``teacher_`` ...);
* *time*: ``next_`` or ``initial_``.

``chosen_ref_logp`` therefore needs no entry of its own. A quantity that is one of a family says which in brackets at its end:
``teacher_jensen_shannon(0.5)``.

Legend of shapes: **B** sequences, **T** steps, **G** sequences of one prompt (a group), **N** pairs, **K** candidates
of a ranking, **V** vocabulary or discrete actions, **D** features, **E** members of an ensemble.
"""

from dataclasses import dataclass, replace

from jaxtyping import Bool, Float, Int
from torch import Tensor

# A step of a sequence, a sequence, a pair, a scalar: the annotations that parts use.
BT = Float[Tensor, "B T"]
Mask = Bool[Tensor, "B T"]
Segment = Int[Tensor, "B T"]
B = Float[Tensor, "B"]
N = Float[Tensor, "N"]
Group = Int[Tensor, "B"]
Scalar = Float[Tensor, ""]

SIDES = ("chosen", "rejected")
OTHER = dict(zip(SIDES, reversed(SIDES), strict=True))  # the side that a side is compared with
TIMES = ("next", "initial")
COMPONENT = "component"  # ``component_NAME``: what the reward called NAME said, before it was combined with others

FREE = "free: recorded or given"
TOP = 20  # K of ``top_logp`` and ``top_action``: so many of the most likely next steps


@dataclass(frozen=True)
class Quantity:
    """One base name of the glossary."""

    name: str
    shape: str
    meaning: str
    cost: str = FREE
    unit: str = ""

    @property
    def measured(self) -> bool:
        """Whether it is a model that says it, so that another view says something else."""
        return self.cost != FREE


_K = f"K is {TOP}, or V where there are fewer"
_TOP_COST = "one forward pass, a selection over V"
_KL_COST = "one forward pass and, in every micro-batch, the view's; passes over V of both"
_MAPS_COST = "a forward pass of its own that keeps attention maps, memory heads*length^2 per layer"
_ENTRIES = (
    Quantity("mask", "B T", "true at the steps at which the policy acted: no prompt, no tool output, no padding"),
    Quantity("segment", "B T", "index of the turn, reasoning step, option or macro-action that a step belongs to"),
    Quantity(
        "node",
        "B T",
        "which piece of its prompt's tree of rollouts a step belongs to, as the sampler that forks drew it: sequences share what they have alike",
    ),
    Quantity("forked", "B", "before which of its steps a sequence was forked off another; -1 for one that was drawn whole"),
    Quantity(
        "share", "B", "for which part of its prompt's answers a sequence stands, where a sampler forks: 1 / (draws at each fork on its way)"
    ),
    Quantity("accepted", "B", "1 where the sampler found a sequence good enough, 0 where it is the best of those that were not"),
    Quantity(
        "drawn_tokens", "B", "tokens that were drawn to find a sequence: those of its prompt's search, over the number of its answers"
    ),
    Quantity(
        "scored_tokens",
        "B",
        "tokens of beginnings that a scorer was shown in finding it, each time from the first one on, over the same number",
    ),
    Quantity(
        "attempt",
        "B T",
        "which of the answers that a sequence holds a step belongs to, from 0, where the sampler lets the policy answer again; what stands before an answer belongs to it",
    ),
    Quantity("attempt_reward", "B A", "the combined reward of each of A attempts by itself; NaN where none was made", unit="of the reward"),
    Quantity(
        "turn", "B T", "which turn of an episode a step belongs to, from 0; what the policy is told belongs to the turn that it leads to"
    ),
    Quantity(
        "turn_reward",
        "B T",
        "what the environment said that a turn earned, at its last acted step, weighed as the component is; 0 elsewhere",
        unit="of the reward",
    ),
    Quantity(
        "fed", "B T", "what the policy reads in the place of its actions, where these were drawn beside each other; recorded by the sampler"
    ),
    Quantity("prompt_id", "B", "which prompt a sequence answers"),
    Quantity("group", "B", "which sequences are compared with each other; by default those of one prompt"),
    Quantity("actor", "B", "which of the sampler's actors drew a sequence, where there are several"),
    Quantity(
        "told",
        "B",
        "1 where a teacher was told something that the policy found in answer to the same prompt, or what was said of the answer",
    ),
    Quantity("hinted", "B", "1 where a sequence was drawn with a hint in its prompt"),
    Quantity("agent", "B T", "whose step a step is, where several agents act in one sequence"),
    Quantity(
        "duration",
        "B T",
        "how long the world was at work on the action that a step belongs to, as the environment or the data say",
        unit="seconds",
    ),
    Quantity("greedy", "B", "1 where a sequence is the policy's most likely one, step by step, drawn to compare others with"),
    Quantity("replayed", "B", "1 where a sequence is an earlier one that stands beside the fresh ones (``recipe.replay``), 0 elsewhere"),
    Quantity("logp", "B T", "log-probability of the step taken", "one forward pass", "nats"),
    Quantity("entropy", "B T", "entropy of the next-step distribution", "one forward pass, a pass over V", "nats"),
    Quantity(
        "trimmed_entropy",
        "B T",
        "entropy of the next-step distribution without its least likely steps, as if what is left were all; how much of the vocabulary is left out "
        "stands in brackets, from 0 to below 1: ``trimmed_entropy(0.3)``",
        "one forward pass, a selection over V",
        "nats",
    ),
    Quantity(
        "collision_entropy",
        "B T",
        "-log of the probability that two draws of the next step are the same, sum_v p_v^2; Rényi's entropy of order 2",
        "one forward pass, a pass over V",
        "nats",
    ),
    Quantity(
        "self_certainty",
        "B T",
        "KL(uniform || policy) of the next-step distribution: how far it is from saying nothing; counts every v, also those that are never drawn",
        "one forward pass, a pass over V",
        "nats",
    ),
    Quantity(
        "log_sum_exp", "B T", "logarithm of the sum of the exponentials of the (tempered) logits", "one forward pass, a pass over V", "nats"
    ),
    Quantity("top_logp", "B T K", f"log-probabilities of the K most likely next steps, in descending order; {_K}", _TOP_COST, "nats"),
    Quantity("top_action", "B T K", f"the K most likely next steps, as indices into V, in the same order; {_K}", _TOP_COST),
    Quantity("kl", "B T", "KL(policy || view) of the next-step distribution; always with a view: ``ref_kl``", _KL_COST, "nats"),
    Quantity("forward_kl", "B T", "KL(view || policy) of the next-step distribution; always with a view", _KL_COST, "nats"),
    Quantity(
        "jensen_shannon",
        "B T",
        "generalised Jensen-Shannon divergence of the next-step distributions, of which the view's has the weight in brackets in their mixture; always "
        "with a view and a weight between 0 and 1: ``teacher_jensen_shannon(0.5)``",
        _KL_COST,
        "nats",
    ),
    Quantity(
        "seen_top_logp",
        "B T K",
        f"what the view says of the policy's K most likely next steps (those of ``top_logp``), log-probabilities; always with a view, of which no gradient is taken; {_K}",
        _KL_COST,
        "nats",
    ),
    Quantity(
        "shared_top_logp",
        "B T K",
        f"what the policy says of the view's K most likely next steps (those of the view's ``top_logp``), log-probabilities; always with a view; {_K}",
        _KL_COST,
        "nats",
    ),
    Quantity(
        "sorted_gap",
        "B T",
        "sum of the distances between the next-step probabilities of policy and view, each from the largest to the smallest; always with a view, whose "
        "vocabulary may be another; 0 where the two have not read the same text",
        _KL_COST,
    ),
    Quantity(
        "attention_distance",
        "B T",
        "how far back the heads that look near look from the step's own token, on average, in tokens, a distance counting no more than the number in brackets: "
        "``attention_distance(10)``",
        _MAPS_COST,
    ),
    Quantity(
        "attention_received",
        "B T",
        "how much attention the step's own token receives of the heads that look far, on average over the later tokens that are as far as the two numbers in brackets "
        "say: ``attention_received(10,50)``",
        _MAPS_COST,
    ),
    Quantity("value", "B T", "the critic's estimate of the return from this step on", "the critic's forward pass"),
    Quantity(
        "contribution", "B T", "what a learned decomposition of the outcome says that a step adds to it", "the estimator's forward pass"
    ),
    Quantity("q", "B T", "the critic's estimate of the return after this step's action", "the critic's forward pass"),
    Quantity("score", "B", "a scalar head's output for the whole sequence", "one forward pass"),
    Quantity(
        "step_score",
        "B T",
        "what a head says of the answer up to this step and with it: log-odds that the step is right",
        "one forward pass",
    ),
    Quantity(
        "preference_vector",
        "B D",
        "where a sequence stands among those that it is compared with, when no single number says it: D is even, a plane for each two",
        "one forward pass",
    ),
    Quantity(
        "head_score",
        "B K",
        "the outputs of K heads for the whole sequence: groups of people, or draws of what is not known",
        "one forward pass",
    ),
    Quantity("score_deviation", "B", "how unsure a head is of its score, in units of it", "one forward pass"),
    Quantity(
        "head_overlap",
        "B",
        "the absolute cosine between the weights of two heads on one body, the same for all sequences",
        "one forward pass",
    ),
    Quantity("quantile_score", "B Q", "the quantiles of the ratings that a sequence gets, as a head has them", "one forward pass"),
    Quantity("attribute_quantile_score", "B K Q", "the quantiles of the ratings that K qualities of a sequence get", "one forward pass"),
    Quantity("attribute_score", "B K", "a head's number for each of K qualities of the whole sequence", "one forward pass"),
    Quantity("rating", "B", "how somebody rated a sequence: a column of the data"),
    Quantity("mixture_logp", "B K", "log-weights of the K heads, given what the sequence answers", "one forward pass", "nats"),
    Quantity("latent_mean", "B D", "mean of what is believed of the latent of a sequence's user", "one forward pass"),
    Quantity("latent_log_variance", "B D", "logarithm of its variance, component by component", "one forward pass"),
    Quantity(
        "reward",
        "B",
        "outcome reward, after combining and shaping; in credit with the rewards of steps and less the penalties of the reward",
    ),
    Quantity("outcome", "B", "outcome reward before rewards of steps are added and penalties of the reward are taken off"),
    Quantity("length", "B", "how many steps of a sequence the policy acted", unit="steps"),
    Quantity("step_reward", "B T", "dense reward; an outcome is a dense reward on the last acted step"),
    Quantity("advantage", "B T", "how much better a step was than expected; what credit produces and losses read"),
    Quantity("target", "B T", "what a value estimate is regressed on"),
    Quantity("terminated", "B", "true where the sequence ended by itself rather than by the length limit"),
    Quantity("discount", "B T", "factor by which what follows this step counts; 0 after the last"),
    Quantity("cost", "B T", "what a constraint bounds, in its own unit"),
    Quantity(
        "log_ratio",
        "B T",
        "by how much more likely the step taken has become since it was drawn, as ``losses.corrected`` works it out; what corrections read",
        unit="nats",
    ),
    Quantity("margin", "N", "by how much the chosen side is known to be better, in units of the score"),
    Quantity("preference", "N", "probability that the chosen side is preferred to the rejected one: a share of votes, a judge's certainty"),
    Quantity("tie", "N", "1 where the two sides of a pair were called equal, 0 where one was preferred"),
    Quantity("user", "B", "who compared, or for whom a sequence is scored: an index"),
    Quantity("rule", "B", "which rule a sequence is held to: an index"),
    Quantity("weight", "B", "importance of a sequence or pair in the loss; 1 where not given"),
    Quantity(
        "step_label", "B T", "verdict on the step of an answer that ends here: 1 right, 0 wrong, or a probability in between; 0 elsewhere"
    ),
    Quantity("label", "B", "verdict on one sequence: 1 good, 0 bad, or a probability in between"),
    Quantity("category", "B", "which of K classes a sequence belongs to: an index"),
    Quantity("category_logits", "B K", "a head's logits over K classes for the whole sequence", "one forward pass"),
    Quantity("action", "B T", "the step taken, as an index into V"),
    Quantity("observation", "B T D", "what the policy saw before the step"),
    Quantity("hidden", "B T D", "the last hidden state before the head", "memory B*T*D"),
    Quantity("logits", "B T V", "unnormalised log-probabilities of every next step", "memory B*T*V: use a functional"),
)
GLOSSARY: dict[str, Quantity] = {entry.name: entry for entry in _ENTRIES}


def by_step(name: str, value: Tensor) -> bool:
    """Whether the named tensor runs along the steps of its sequences, [B, T ...], and not along heads or features, [B, K]. Where the glossary does not
    know a second dimension, it is taken to be that of steps."""
    entry = GLOSSARY.get(Name.parse(name).quantity)
    return value.dim() > 1 and (entry is None or " T" in entry.shape or " " not in entry.shape)


@dataclass(frozen=True)
class Name:
    """A name taken apart: ``Name.parse("chosen_ref_logp")`` is ``Name("logp", side="chosen", view="ref")``. ``at`` is what stands in brackets."""

    quantity: str
    side: str = ""
    view: str = ""
    time: str = ""
    at: str = ""

    @classmethod
    def parse(cls, text: str) -> "Name":
        """Split a name by the grammar. A name whose base the glossary lacks is a column of the data."""
        text, _, at = text.removesuffix(")").partition("(")
        words = text.split("_")
        side = words.pop(0) if words[0] in SIDES and len(words) > 1 else ""
        if words[0] == COMPONENT:  # a reward, whatever it is called
            return cls("_".join(words), side)
        for start in range(len(words)):
            base = "_".join(words[start:])
            if base in GLOSSARY:
                before = words[:start]
                time = before.pop() if before and before[-1] in TIMES else ""
                return cls(base, side, "_".join(before), time, at)
        return cls("_".join(words), side, at=at)

    @property
    def known(self) -> bool:
        """Whether the glossary documents the base name."""
        return self.quantity in GLOSSARY

    @property
    def family(self) -> "Name":
        """The name without what stands in brackets."""
        return replace(self, at="") if self.at else self

    @property
    def measured(self) -> str:
        """What a model is asked for: the quantity, with what stands in brackets."""
        return str(Name(self.quantity, at=self.at))

    def __str__(self) -> str:
        plain = "_".join(word for word in (self.side, self.view, self.time, self.quantity) if word)
        return f"{plain}({self.at})" if self.at else plain


def seen_by(view: str, name: str) -> str:
    """What stands in the place of a name (without a side) where a view is asked instead of the model: ``ref_logp`` of ``logp``.

    What no model says (``mask``) is the same for every view.
    """
    quantity = Name.parse(name).quantity
    return f"{view}_{name}" if view and quantity in GLOSSARY and GLOSSARY[quantity].measured else name
