import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Note, sentence } from '../components/note';
import { VerdictBadge } from '../components/badge';
import { useTrans } from '../components/trans';
import type { IProgress } from './model';

/** How far a reproduction is; why it was refused or failed; at the end, where to see it. */
export function ReproduceNote(props: {
  progress: IProgress;
  openRun: (id: string) => void;
  dismiss: () => void;
}): React.JSX.Element {
  const { progress, openRun } = props;
  const { trans } = useTrans();
  const dismiss = (
    <button className="jp-Lineage-Link" onClick={props.dismiss}>
      {trans.__('Dismiss')}
    </button>
  );
  switch (progress.state) {
    case 'done': {
      const result = progress.result;
      return (
        <Note tone="quiet">
          <span className="jp-Lineage-ReproduceNote-line">
            {trans.__('Reproduced')}
            {result && (
              <>
                <VerdictBadge verdict={result.verdict} />
                <button
                  className="jp-Lineage-Link"
                  onClick={() => openRun(result.reproduction)}
                >
                  {trans.__('See cell by cell')}
                </button>
              </>
            )}
            {dismiss}
          </span>
        </Note>
      );
    }
    case 'refused':
    case 'failed':
      return (
        <Note tone="bad">
          <div className="jp-Lineage-Note-head">
            {failureWords(progress, trans)}
          </div>
          <div>{sentence(progress.error)}</div>
          {progress.paths.some(path => !progress.error.includes(path)) && (
            <ul className="jp-Lineage-Missing">
              {progress.paths.map(path => (
                <li key={path}>
                  <code>{path}</code>
                </li>
              ))}
            </ul>
          )}
          {progress.hint && <div>{progress.hint}</div>}
          {dismiss}
        </Note>
      );
    default:
      return <Running progress={progress} />;
  }
}

function Running(props: { progress: IProgress }): React.JSX.Element {
  const { progress } = props;
  const { trans } = useTrans();
  const isCounted = progress.total > 0;
  const count = isCounted ? trans.__('%1 of %2', progress.done, progress.total) : '';
  return (
    <div className="jp-Lineage-Progress" role="status">
      <div className="jp-Lineage-ReproduceNote-line">
        <span className="jp-Lineage-Note-head">{trans.__('Reproducing')}</span>
        <span>{phaseWords(progress.phase, trans)}</span>
        <span>{count}</span>
      </div>
      <progress
        className="jp-Lineage-Progress-bar"
        aria-label={trans.__('Progress of the reproduction')}
        max={isCounted ? progress.total : undefined}
        value={isCounted ? progress.done : undefined}
      />
    </div>
  );
}

function failureWords(progress: IProgress, trans: TranslationBundle): string {
  if (progress.state === 'failed') {
    return trans.__('The reproduction did not come to an end');
  }
  return progress.paths.length > 0
    ? trans.__('Not reproduced, to keep your files safe')
    : trans.__('This run can’t be reproduced');
}

/** A phase in words; one that we don't know is shown as the server calls it. */
function phaseWords(phase: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    '': trans.__('asking the server'),
    queued: trans.__('waiting for another reproduction to end'),
    plan: trans.__('planning'),
    inputs: trans.__('putting the inputs in place'),
    starting: trans.__('starting a kernel'),
    cells: trans.__('running the cells'),
    recording: trans.__('recording'),
    verdict: trans.__('comparing')
  };
  return words[phase] ?? phase;
}
