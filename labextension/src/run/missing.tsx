import * as React from 'react';

import type { IGap, IRunDetail } from '../api/types';
import { Note } from '../components/note';
import { useTrans } from '../components/trans';

/** What the record does not hold, said before anything else on the page. */
export function Missing(props: { run: IRunDetail }): React.JSX.Element | null {
  const { run } = props;
  const { trans } = useTrans();
  const isPartial = run.capture_level === 'python-only';
  if (run.gaps.length === 0 && !isPartial) {
    return null;
  }
  return (
    <Note tone="warn">
      <details open={run.gaps.length <= 2}>
        <summary className="jp-Lineage-Note-head">
          {run.gaps.length > 0
            ? trans._n(
                'One thing is missing from this record',
                '%1 things are missing from this record',
                run.gaps.length
              )
            : trans.__('Files opened by compiled libraries were not seen in this run')}
        </summary>
        <ul className="jp-Lineage-Missing">
          {run.gaps.map((gap, index) => (
            <li key={index}>
              <Gap gap={gap} />
            </li>
          ))}
          {isPartial && (
            <li>
              {trans.__(
                'Capture level: python-only. What a compiled library (Parquet, HDF5, …) read or wrote by itself is not in the list of files.'
              )}
            </li>
          )}
        </ul>
      </details>
    </Note>
  );
}

function Gap(props: { gap: IGap }): React.JSX.Element {
  const { gap } = props;
  const { trans } = useTrans();
  return (
    <>
      {gap.execution !== null && (
        <span className="jp-Lineage-Missing-cell">{trans.__('Cell %1:', gap.execution)} </span>
      )}
      {gap.reason}
      {gap.count > 1 && ` (${gap.count}×)`}
      {gap.detail && <span className="jp-Lineage-quiet"> – {gap.detail}</span>}
    </>
  );
}
