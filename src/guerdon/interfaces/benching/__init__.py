"""Benching: a trained reward model on rows of which it is known what is better, and everything that says where it is wrong.

``reading`` says what the rows are, ``answers`` and ``scoring`` what the model says of them, ``pairs``, ``candidates`` and ``steps`` what that comes to, ``following`` and
``sensitivity`` what it reads besides, ``tables`` and ``page`` show it.
"""

from guerdon.interfaces.benching.bench import Asked, bench

__all__ = ["Asked", "bench"]
