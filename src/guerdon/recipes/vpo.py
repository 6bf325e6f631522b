"""VPO, online: online DPO whose likelihood is biased towards rewards under which the best policy would be worth more.

    loss = DPO + alpha * beta * log policy(calibrating answer)

The calibrating answers fix the constant that comparisons leave open; here they are the reference's. Offline, where the sign is the other,
the loss holds the policy to them: ``rpo``.

Source: Cen et al. 2024, arXiv 2405.19320, its online and offline objectives. ``beta`` 0.1: DPO's; ``alpha`` 0.01: ours.
Differs from SELM: the reference stays.
"""

from guerdon.recipes.selm import optimistic

recipe = optimistic(beta=0.1, alpha=0.01)
