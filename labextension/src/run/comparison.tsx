import * as React from 'react';

import type {
  IExecutionVerdict,
  IFileVerdict,
  IReproduction,
  IRunDetail,
  Verdict
} from '../api/types';
import { VerdictBadge } from '../components/badge';
import { useTrans } from '../components/trans';
import { folderOf, pathBelow, valueText } from '../format';
import { sameOf } from './model';

/** What came out the same, cell by cell and file by file, and why where it did not. */
export function Comparison(props: {
  run: IRunDetail;
  reproduction: IReproduction;
}): React.JSX.Element {
  const { run, reproduction } = props;
  const { trans } = useTrans();
  const sources = new Map(run.executions.map(cell => [cell.number, cell.source]));
  return (
    <div className="jp-Lineage-Comparison">
      <div className="jp-Lineage-Comparison-summary">
        <VerdictBadge verdict={reproduction.verdict} />
        <span>{meaning(reproduction.verdict, trans)}</span>
      </div>
      <Part
        head={trans.__('Cells')}
        verdicts={reproduction.executions}
        nameOf={(cell: IExecutionVerdict) => (
          <>
            <span className="jp-Lineage-Comparison-number">{cell.number}</span>
            <code>{firstLine(sources.get(cell.number) ?? '')}</code>
          </>
        )}
      />
      <Part
        head={trans.__('Files')}
        verdicts={reproduction.files}
        nameOf={(file: IFileVerdict) => (
          <span title={file.path}>{pathBelow(file.path, folderOf(run.notebook))}</span>
        )}
      />
      <Part
        head={trans.__('Metrics')}
        verdicts={reproduction.metrics.map(metric => ({
          ...metric,
          reason:
            metric.reason ??
            (metric.original === undefined
              ? null
              : `${valueText(metric.original)} → ${valueText(metric.reproduced)}`)
        }))}
        nameOf={metric => metric.name}
      />
    </div>
  );
}

interface IVerdictRow {
  verdict: Verdict;
  reason?: string | null;
}

function Part<T extends IVerdictRow>(props: {
  head: string;
  verdicts: T[];
  nameOf: (row: T) => React.ReactNode;
}): React.JSX.Element | null {
  const { verdicts } = props;
  const { trans } = useTrans();
  if (verdicts.length === 0) {
    return null;
  }
  const { same, all } = sameOf(verdicts);
  return (
    <table className="jp-Lineage-Table">
      <thead>
        <tr>
          <th scope="col">{props.head}</th>
          <th scope="col" className="jp-Lineage-Comparison-verdict">
            {trans.__('%1 of %2 the same', same, all)}
          </th>
          <th scope="col">{trans.__('Reason')}</th>
        </tr>
      </thead>
      <tbody>
        {verdicts.map((row, index) => (
          <tr key={index} data-verdict={row.verdict}>
            <td className="jp-Lineage-Comparison-name">{props.nameOf(row)}</td>
            <td className="jp-Lineage-Comparison-verdict">
              <VerdictBadge verdict={row.verdict} />
            </td>
            <td className="jp-Lineage-reason">{row.reason}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function firstLine(source: string): string {
  const lines = source.split('\n').filter(line => line.trim() !== '');
  return lines.length > 1 ? `${lines[0]} …` : (lines[0] ?? '');
}

function meaning(
  verdict: Verdict,
  trans: ReturnType<typeof useTrans>['trans']
): string {
  return {
    identical: trans.__('Everything that was compared came out with equal bytes.'),
    equivalent: trans.__('The same results; what differs carries no meaning, such as a time.'),
    different: trans.__('Something else came out; the first cause is below.'),
    failed: trans.__('A cell that ran in the original failed here.'),
    'not compared': trans.__('Something could not be compared; the reason is below.')
  }[verdict];
}
