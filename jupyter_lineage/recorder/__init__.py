"""The one background process that turns spools into the record.

:mod:`.service` is the process (election, waking, leaving), :mod:`.cycle` one round of its work;
:mod:`.client` is what other programs use. Nothing is imported here: a reading command that only
wakes the recorder must start fast.
"""
