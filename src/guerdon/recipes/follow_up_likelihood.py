"""Follow-up likelihood: DPO on the answers after which thanks are likeliest and after which complaints are.

    reward = mean log p(thanks | prompt, answer) - mean log p(complaint | prompt, answer), by the policy itself;   best against worst of 8 answers

Another model measures where the rewards name its view (``by``).

Source: FLR, Zhang et al. 2024, arXiv 2409.13948, of which the abstract was read: likelihoods of follow-up utterances, pairs mined from the policy's own answers, DPO.
The two utterances, 8 answers, best and worst, and that pairs are drawn as it goes on: ours. ``beta`` and learning rate: DPO's.
Differs from OnlineDPO: nobody compares; what would be said next does.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.recasting.follow_up import FollowUp
from guerdon.recipes.online_dpo import recipe as online_dpo

recipe = replace(
    online_dpo,
    sampler=Group(num_generations=8),
    pairing=BestWorst(),
    intrinsic={
        "thanks": LogLikelihood(FollowUp()),
        "complaint": LogLikelihood(FollowUp("That is not what I asked for.")),
    },
    combine=Only(("thanks", "complaint"), Weigh({"complaint": -1.0})),
)

no_target = "what follows an answer is said in words, and the answers of the targets' world are actions"
