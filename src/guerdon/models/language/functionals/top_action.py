"""Top actions: the K most likely next steps, the most likely first.

    f_k = the step with the k-th largest probability        [S, K], indices into V; without a gradient

K is ``guerdon.quantities.TOP``, or V where there are fewer.

Source: ours.
"""

from guerdon.models.language.functionals import Functional
from guerdon.models.language.functionals.top_logp import largest


class TopAction(Functional):
    def value(self, tile):
        return tile.once(largest)
