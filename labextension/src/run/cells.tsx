import * as React from 'react';

import type { IExecution, IExecutionVerdict, IRunDetail } from '../api/types';
import { StatusBadge, VerdictBadge } from '../components/badge';
import { Empty } from '../components/note';
import { useTrans } from '../components/trans';
import { duration } from '../format';
import { cellVerdicts } from './model';
import { Outputs } from './outputs';
import { Source } from './source';
import type { IRunPageProps } from './view';

type ICellsProps = Pick<IRunPageProps, 'model' | 'rendermime' | 'languages'> & {
  run: IRunDetail;
};

/** The cells in the order in which they were run, with what they put out. */
export function Cells(props: ICellsProps): React.JSX.Element {
  const { run } = props;
  const { trans } = useTrans();
  const verdicts = React.useMemo(() => cellVerdicts(run), [run]);
  if (run.executions.length === 0) {
    return (
      <Empty head={trans.__('No cell was run')}>
        {run.status === 'running'
          ? trans.__('Run a cell in the notebook: it appears here.')
          : trans.__('The kernel was started and ended without one.')}
      </Empty>
    );
  }
  return (
    <div className="jp-Lineage-Cells" role="list">
      {run.executions.map(cell => (
        <Cell key={cell.id} {...props} cell={cell} verdict={verdicts.get(cell.number)} />
      ))}
    </div>
  );
}

function Cell(
  props: ICellsProps & { cell: IExecution; verdict?: IExecutionVerdict }
): React.JSX.Element {
  const { cell, verdict, model } = props;
  const { trans } = useTrans();
  return (
    <section
      className="jp-Lineage-Cell"
      role="listitem"
      aria-label={trans.__('Cell %1', cell.number)}
      data-number={cell.number}
    >
      <div className="jp-Lineage-Cell-prompt">[{cell.execution_count ?? ' '}]:</div>
      <div className="jp-Lineage-Cell-body">
        {cell.source === null ? (
          <div className="jp-Lineage-quiet">{trans.__('Source too large to keep')}</div>
        ) : (
          <Source text={cell.source} languages={props.languages} />
        )}
        <div className="jp-Lineage-Cell-facts">
          <StatusBadge status={cell.status} />
          {cell.seconds !== null && <span>{duration(cell.seconds)}</span>}
          <Names sign="←" label={trans.__('Reads')} names={cell.names_read} />
          <Names sign="→" label={trans.__('Sets')} names={cell.names_written} />
          {verdict && (
            <span className="jp-Lineage-Cell-verdict">
              <VerdictBadge verdict={verdict.verdict} title={verdict.reason ?? undefined} />
              {verdict.reason && <span>{verdict.reason}</span>}
            </span>
          )}
        </div>
        {cell.status !== 'running' && (
          <Outputs
            load={() => model.outputsOf(cell)}
            version={`${cell.status}:${cell.outputs_hash ?? ''}`}
            rendermime={props.rendermime}
          />
        )}
      </div>
    </section>
  );
}

function Names(props: {
  sign: string;
  label: string;
  names: string[];
}): React.JSX.Element | null {
  if (props.names.length === 0) {
    return null;
  }
  const text = props.names.join(', ');
  return (
    <span className="jp-Lineage-Cell-names" title={`${props.label}: ${text}`}>
      <span className="jp-Lineage-forReaders">{props.label}</span>
      <span aria-hidden>{props.sign} </span>
      {text}
    </span>
  );
}
