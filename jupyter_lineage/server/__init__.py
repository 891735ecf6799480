"""The panel's server side: REST under ``/lineage/api/``, a change event, reproductions as jobs.

``app`` wires the parts and holds the route table; what a route says is in ``handlers``, what a
reply looks like in ``schemas``. Everything shown is read by ``store`` and ``lineage``.
"""
