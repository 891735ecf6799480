"""The part of Jupyter Lineage that runs inside a user's kernel.

Everything below this package imports the standard library only and nothing of ours, so that it
works in any environment and costs nothing to load. What it sees goes as JSON lines into spool
files (:mod:`.spool`); hashing, scanning and storing happen in ``jupyter_lineage.recorder``.
"""
