from __future__ import annotations

from jupyter_lineage.store.recorded import made_folders


def test_a_real_kernels_folders_are_in_the_record(bench):
    (bench.project / "there").mkdir()
    run = bench.record(
        "import os\nos.makedirs('there', exist_ok=True)\nos.makedirs('out/figures', exist_ok=True)"
    )
    with bench.store() as store:
        found = made_folders(store, run)
    assert found is not None
    names = [(one["path"], one["execution"], one["absolute"]) for one in found]
    project = bench.project
    assert names == [(str(project / "out"), 1, False), (str(project / "out/figures"), 1, False)]
