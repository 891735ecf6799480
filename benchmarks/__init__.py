"""Programs that measure the design's budgets, one subject each, against a bare twin.

Every program alternates the two sides within one run and gives for each budget the number of
rounds, the median ratio or difference, a 95 % interval and whether the budget is held.
``python -m benchmarks`` runs them, one line per budget, and exits 1 where one is not held;
``--save`` keeps what they found in ``benchmarks/results/<date>-<name>.json``.
"""
