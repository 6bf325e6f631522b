"""Attacking: how a reward can be exploited, before a policy finds out.

``reading`` says what the rows are, ``judging`` what a reward says of answers (and ``keeping`` that nothing is asked twice), ``battery`` what comes of texts that make no
answer better, ``drawing`` and ``best_of`` what is chosen of a policy's answers, ``training`` what becomes of a policy that learns from it, ``tables`` and ``page`` show it.
"""

from guerdon.interfaces.attacking.attack import Asked, attack

__all__ = ["Asked", "attack"]
