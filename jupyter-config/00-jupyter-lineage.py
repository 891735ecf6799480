"""Starts the recording of Jupyter Lineage; JUPYTER_LINEAGE_DISABLE=1 turns it off."""

try:  # noqa: SIM105 - suppress() would leave a name or cost an import
    get_ipython().extension_manager.load_extension("jupyter_lineage")  # noqa: F821 - IPython's own
except Exception:  # noqa: BLE001, S110 - the notebook comes first; nothing is printed
    pass
