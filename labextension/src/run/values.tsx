import * as React from 'react';

import type { IRunDetail } from '../api/types';
import { Empty } from '../components/note';
import { useTrans } from '../components/trans';
import { runTitle, valueText } from '../format';

/** The named values the run took in and produced, and those of its trials. */
export function Values(props: {
  run: IRunDetail;
  openRun: (id: string) => void;
}): React.JSX.Element {
  const { run } = props;
  const { trans } = useTrans();
  const isEmpty = ![run.params, run.metrics, run.trials].some(
    values => Object.keys(values).length > 0
  );
  if (isEmpty) {
    return (
      <Empty head={trans.__('No parameters or metrics')}>
        {trans.__('Name some in a cell: %track param lr=0.1 or %track metric auc=0.91.')}
      </Empty>
    );
  }
  return (
    <div className="jp-Lineage-Values">
      <ValueTable head={trans.__('Parameters')} values={run.params} />
      <ValueTable head={trans.__('Metrics')} values={run.metrics} />
      {run.trials.length > 0 && (
        <table className="jp-Lineage-Table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Runs inside this one')}</th>
              <th scope="col">{trans.__('Parameters')}</th>
              <th scope="col">{trans.__('Metrics')}</th>
            </tr>
          </thead>
          <tbody>
            {run.trials.map(trial => (
              <tr key={trial.id}>
                <td>
                  <button className="jp-Lineage-Link" onClick={() => props.openRun(trial.id)}>
                    {runTitle({ name: trial.name, notebook: null }, trial.id.slice(-8))}
                  </button>
                </td>
                <td>{pairs(trial.params)}</td>
                <td>{pairs(trial.metrics)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function ValueTable(props: {
  head: string;
  values: Record<string, unknown>;
}): React.JSX.Element | null {
  const entries = Object.entries(props.values);
  if (entries.length === 0) {
    return null;
  }
  return (
    <table className="jp-Lineage-Table">
      <thead>
        <tr>
          <th scope="col" colSpan={2}>
            {props.head}
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="jp-Lineage-Table-value">{valueText(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function pairs(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} = ${valueText(value)}`)
    .join(', ');
}
