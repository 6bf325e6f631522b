"""Sorted gap: the distance of the shapes of two next-step distributions, for a teacher whose vocabulary is another.

    penalty = sum_k |p_(k) - ref_(k)|        [B, T], between 0 and 2; probabilities sorted, 0 where the two have not read the same text

``Against(SortedGap(), view="teacher")`` with ``views.teacher: {part: other_tokenizer, teacher: FOLDER}``. It says how sure the teacher is and between how many steps it
wavers, and not which they are: alone it is satisfied by the right shape on the wrong steps. Put it beside what knows them, such as the likelihood of the teacher's answers.

Source: Universal Logit Distillation, arXiv 2402.12030; TRL 1.16's ``ULDLoss`` at places where both tokenizers begin a token.
Differs from KLForward: it needs no common vocabulary, and pays for the lack.
"""

from dataclasses import dataclass

from guerdon.losses.penalties.kl_forward import KLForward
from guerdon.quantities import BT
from guerdon.witness import Witness


@dataclass(frozen=True)
class SortedGap:
    def __call__(self, ref_sorted_gap: BT) -> BT:
        return ref_sorted_gap


# 3/4 and 1/4 against 1/4 and 3/4: the same shape, which a divergence does not see.
witness = Witness(
    SortedGap(),
    parent=KLForward(),
    given={"ref_sorted_gap": [[0.0]], "ref_forward_kl": [[0.5493061443340548]]},
    returns=[[0.0]],
    gradient={"ref_sorted_gap": [[1.0]], "ref_forward_kl": None},
)
