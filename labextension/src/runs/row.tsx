import { redoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IRun } from '../api/types';
import { StatusBadge, VerdictBadge } from '../components/badge';
import { Ago } from '../components/time';
import { useTrans } from '../components/trans';
import { duration, runSeconds, runTitle } from '../format';

export interface IRowProps {
  run: IRun;
  index: number;
  now: number;
  isSelected: boolean;
  isBusy: boolean;
  top: number;
  onOpen: (run: IRun) => void;
  onReproduce: (run: IRun) => void;
}

/** One run in the list: what and when above, how it went, how long and who below. */
export const RunRow = React.memo(function RunRow(props: IRowProps): React.JSX.Element {
  const { trans } = useTrans();
  const { run, now } = props;
  const title = runTitle(run, trans.__('Unnamed run'));
  return (
    <div
      id={rowId(run.id)}
      className={`jp-Lineage-RunRow${props.isSelected ? ' jp-mod-selected' : ''}`}
      style={{ transform: `translateY(${props.top}px)` }}
      role="row"
      aria-rowindex={props.index + 1}
      aria-selected={props.isSelected}
      data-run={run.id}
      onClick={() => props.onOpen(run)}
    >
      <div className="jp-Lineage-RunRow-main" role="gridcell">
        <div className="jp-Lineage-RunRow-line">
          <span className="jp-Lineage-RunRow-title" title={run.notebook ?? title}>
            {title}
          </span>
          <span className="jp-Lineage-RunRow-when">
            <Ago at={run.started_at} now={now} />
          </span>
        </div>
        <div className="jp-Lineage-RunRow-line jp-mod-quiet">
          {run.verdict ? (
            <VerdictBadge verdict={run.verdict} />
          ) : (
            <StatusBadge status={run.status} />
          )}
          <span>{duration(runSeconds(run, now))}</span>
          {run.user && <span className="jp-Lineage-RunRow-who">{run.user}</span>}
          {run.kind !== 'session' && (
            <span className="jp-Lineage-RunRow-end">
              <Kind kind={run.kind} />
            </span>
          )}
        </div>
      </div>
      {run.kind !== 'reproduction' && (
        <div className="jp-Lineage-RunRow-actions" role="gridcell">
          <button
            className="jp-Lineage-IconButton"
            tabIndex={-1}
            disabled={props.isBusy}
            title={
              props.isBusy ? trans.__('Being reproduced') : trans.__('Reproduce this run')
            }
            aria-label={trans.__('Reproduce %1', title)}
            onClick={event => {
              event.stopPropagation();
              props.onReproduce(run);
            }}
          >
            <redoIcon.react tag="span" aria-hidden />
          </button>
        </div>
      )}
    </div>
  );
});

export function rowId(run: string): string {
  return `jp-Lineage-run-${run}`;
}

/** What kind of run it is, in a word; sessions are the rule and go without. */
export function Kind(props: { kind: IRun['kind'] }): React.JSX.Element {
  const { trans } = useTrans();
  const word = {
    session: trans.__('session'),
    trial: trans.__('trial'),
    tracked: trans.__('tracked'),
    script: trans.__('script'),
    reproduction: trans.__('reproduction')
  }[props.kind];
  return <span className="jp-Lineage-Kind">{word}</span>;
}
