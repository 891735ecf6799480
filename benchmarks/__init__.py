"""Programs that measure the design's budgets, one per budget, each against a bare twin.

Every program alternates the two sides in one run, prints what it found as one JSON line (medians,
their ratio or difference with a 95 % interval, rounds, machine, limit) and exits 1 above its limit.
``python -m benchmarks`` runs all of them and writes ``benchmarks/results/<date>.jsonl``.
"""
