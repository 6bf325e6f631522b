"""Benchmarks: the same jobs here and in TRL, side by side, on the machine at hand.

    make bench                                                    # everything; what was measured is kept, Ctrl-C loses nothing
    python -m benchmarks --jobs dpo,grpo-long --only ours         # some of it
    python -m benchmarks report                                   # the page docs/performance.md from what was measured
    make gpu                                                      # seven minutes on a card: ``gpu``

``workloads`` says what is run, ``settings`` in which ways, ``ours`` and ``with_trl`` how; each run is a process of its own (``child``).
"""
