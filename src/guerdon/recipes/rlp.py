"""RLP: thoughts before what follows in a text, rewarded by how much likelier they make it than a slow copy of the policy finds it without a thought.

    reward(thought) = log p(what follows | context, thought) - log p_ema(what follows | context)        held fixed; no verifier

A row is a place in a text: ``prompt`` is what stands before it, ``answer`` what follows. A completion is a thought, and nothing but its tokens is learned from.

Source: RLP, arXiv 2510.01265, read whole: eq. 3 to 8, algorithm 1 and its appendix: 16 thoughts, learning rate 1e-6, a moving average of 0.999, no KL. Its advantage,
G / (G - 1) times the distance from the group's mean, is leave-one-out. The bounds of its clipped ratio are not said there; 0.2 is PPO's. Its thoughts are drawn at a
temperature of 0.7; here they are drawn at that of the decoding, at which likelihoods are measured too.
What the slow copy says is the same for every thought of a group, so that by its eq. 7 it cancels from the advantage, and only moves the reward that is shown: by it a thought
is seen to help or not.
Differs from RLOO: the reward; and steps have a mean over each thought, and a bound.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.recasting.what_follows import WhatFollows
from guerdon.feedback.recasting.without_reasoning import WithoutReasoning
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.training.updates.moving_average import MovingAverage

recipe = Recipe(
    terms=(Term(Clip(), reduce=SequenceMean()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=16),
    intrinsic={
        "thought": LogLikelihood(WhatFollows(), over="sequence"),
        "no_thought": LogLikelihood(WithoutReasoning(), by="ema", over="sequence"),
    },
    combine=Only(("thought", "no_thought"), Weigh({"no_thought": -1.0})),
    advantage=LeaveOneOut(),
    updates=(MovingAverage(decay=0.999),),
)

no_target = "what follows a thought lies beyond the end of answers in the targets' world; tests/test_thinking_first.py enumerates a longer one and finds its objective's gradient"
