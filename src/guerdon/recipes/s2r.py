"""S2R, process level: a policy that solves, verifies and solves again is paid for each of these, and compared where the same went before.

Rewards named ``solve_1``, ``verify_1``, ``solve_2``, ``verify_2`` are expected: 1 and -1 for a solution that is right or wrong, and for a
verdict that agrees or disagrees with the truth; None where an answer has no such part. ``segments`` cuts it into these parts: here at an
empty line. It begins from a policy that was shown how (``sft``), and its outcome-level form is ``rloo``.

Source: S2R, arXiv 2502.12853, and its authors' code: rewards of parts against those after the same rewards
(``data_process_offline_rl.py``); learning rate 5e-7, weight of the KL 0.01, clip of 0.2 (``scripts/train_rl.sh``). There an answer is cut
at the sentences "Wait," and "Let me try again.", the ratio is that of a part, and draws are made once; here each token has its ratio, and
draws are the policy's own. 8 answers: ours. Differs from RLOO: what is learned from is where it was earned.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.segment_history import SegmentHistory
from guerdon.credit.segments.after_text import AfterText
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)), Term(KLExponential(), weight=0.01)),
    optimiser=AdamW(learning_rate=5e-7),
    sampler=Group(num_generations=8),
    segments=AfterText(("\n\n",)),
    advantage=SegmentHistory(),
)
no_target = "it reads a reward of each of an answer's segments, of which the targets' world has one"
