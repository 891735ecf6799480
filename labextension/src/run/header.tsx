import { redoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IRunDetail } from '../api/types';
import { StatusBadge, VerdictBadge } from '../components/badge';
import { Copyable } from '../components/copy';
import { Ago, useNow } from '../components/time';
import { useTrans } from '../components/trans';
import { duration, runSeconds, runTitle } from '../format';
import { Kind } from '../runs/row';

const TICK = 10_000;

export interface IHeaderProps {
  run: IRunDetail;
  isBusy: boolean;
  reproduce: () => void;
  openRun: (id: string) => void;
}

/** What the run is, how it went, when, how long, who; and running it again. */
export function RunHeader(props: IHeaderProps): React.JSX.Element {
  const { run } = props;
  const { trans } = useTrans();
  const now = useNow(TICK);
  const who = [run.user, run.host].filter(Boolean).join('@');
  const isRunning = run.status === 'running';
  return (
    <header className="jp-Lineage-RunHeader">
      <div className="jp-Lineage-RunHeader-text">
        <div className="jp-Lineage-RunHeader-titleLine">
          <span
            className="jp-Lineage-RunHeader-title"
            role="heading"
            aria-level={1}
            title={run.notebook ?? undefined}
          >
            {runTitle(run, trans.__('Unnamed run'))}
          </span>
          <StatusBadge status={run.status} />
          {run.kind !== 'session' && <Kind kind={run.kind} />}
          {run.reproduction && <VerdictBadge verdict={run.reproduction.verdict} />}
        </div>
        <div className="jp-Lineage-RunHeader-facts">
          <Fact name={trans.__('Started')}>
            <Ago at={run.started_at} now={now} />
          </Fact>
          <Fact name={isRunning ? trans.__('Running for') : trans.__('Took')}>
            {duration(runSeconds(run, now))}
          </Fact>
          {who && <Fact name={trans.__('By')}>{who}</Fact>}
          <Fact name={trans.__('Run')}>
            <Copyable
              short={run.id.slice(-8)}
              full={run.id}
              label={trans.__('Copy the run’s id')}
            />
          </Fact>
        </div>
        <Links {...props} now={now} />
      </div>
      {!run.reproduction && run.kind !== 'reproduction' && (
        <button
          className="jp-Lineage-Button jp-mod-accept"
          disabled={props.isBusy}
          title={
            isRunning
              ? trans.__('Run the cells so far again in a fresh kernel and folder, and compare')
              : trans.__('Run it again in a fresh kernel and folder, and compare')
          }
          onClick={props.reproduce}
        >
          <redoIcon.react tag="span" className="jp-Lineage-Button-icon" aria-hidden />
          {props.isBusy ? trans.__('Reproducing…') : trans.__('Reproduce')}
        </button>
      )}
    </header>
  );
}

function Fact(props: { name: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <span className="jp-Lineage-Fact">
      <span className="jp-Lineage-Fact-name">{props.name}</span>
      <span className="jp-Lineage-Fact-value">{props.children}</span>
    </span>
  );
}

/** The original of a reproduction, and the reproductions of an original. */
function Links(props: IHeaderProps & { now: number }): React.JSX.Element | null {
  const { run, openRun, now } = props;
  const { trans } = useTrans();
  if (run.reproduction) {
    const original = run.reproduction.run;
    return (
      <div className="jp-Lineage-RunHeader-links">
        <span>{trans.__('Reproduces')}</span>
        <button className="jp-Lineage-Link" onClick={() => openRun(original)}>
          {trans.__('run %1', original.slice(-8))}
        </button>
      </div>
    );
  }
  if (run.reproductions.length === 0) {
    return null;
  }
  return (
    <div className="jp-Lineage-RunHeader-links">
      <span>{trans.__('Reproduced')}</span>
      {run.reproductions.slice(0, 5).map(link => (
        <button
          key={link.id}
          className="jp-Lineage-Link"
          title={link.id}
          onClick={() => openRun(link.id)}
        >
          <VerdictBadge verdict={link.verdict} />
          <Ago at={link.started_at} now={now} />
        </button>
      ))}
      {run.reproductions.length > 5 && (
        <span>{trans.__('and %1 more', run.reproductions.length - 5)}</span>
      )}
    </div>
  );
}
