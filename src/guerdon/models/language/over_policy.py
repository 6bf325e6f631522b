"""What runs over a policy: settings of the policy's layers, and the room that it has, are the policy's own.

Source: ours.
"""

from guerdon.models.language.policy import LanguagePolicy


class OverPolicy:
    """A model that computes with ``self.policy``."""

    policy: LanguagePolicy

    @property
    def checkpoints(self) -> bool:
        """Whether layers are computed again in the backward pass."""
        return self.policy.checkpoints

    @checkpoints.setter
    def checkpoints(self, on: bool) -> None:
        self.policy.checkpoints = on

    @property
    def made(self) -> int:
        """Steps of its learner, who says so."""
        return self.policy.made

    @made.setter
    def made(self, steps: int) -> None:
        self.policy.made = steps

    def shard(self) -> None:
        """Split what is trained of the policy over the processes."""
        self.policy.shard()

    def gather(self) -> None:
        """Compute with the policy's parameters as they are now."""
        self.policy.gather()

    def scatter(self) -> None:
        """Give the policy's parameters their gradient."""
        self.policy.scatter()

    def drop_gradients(self) -> None:
        """Forget what the policy's backward pass has left beside its parameters."""
        self.policy.drop_gradients()

    def unshard(self) -> None:
        """Hold all parameters whole again."""
        self.policy.unshard()

    @property
    def context_length(self) -> int:
        """Positions that the model can attend to, prompt and completion together."""
        return self.policy.context_length
