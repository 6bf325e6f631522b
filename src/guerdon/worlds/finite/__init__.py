"""Finite worlds: everything can be enumerated, so optima, gradients and equilibria are known exactly.

Contexts, actions and states are integers; tables are float64 tensors. A world is a frozen specification:

* worlds of sequences (bandits, token trees) give ``rewards()`` [C, S], the expected reward of every sequence; they are tasks too, and
  ``reward_of(sequences)`` is what a training loop asks;
* decision processes give ``tables()``: transitions, rewards, start, discount;
* games give ``payoff()`` [A, O]; preference games give ``preference()`` [C, A, A], the probability that one action beats another;
* people give ``probabilities(asked, user)`` [Q, O], the probability of every answer to each question, and answer with ``ask``.
"""
