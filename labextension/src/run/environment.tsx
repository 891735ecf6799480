import { InputGroup } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IDistribution, IRunDetail } from '../api/types';
import { Empty } from '../components/note';
import { useTrans } from '../components/trans';
import { fileSize, valueText } from '../format';

/** Python, the machine, and every installed distribution with a box to search them. */
export function Environment(props: { run: IRunDetail }): React.JSX.Element {
  const { run } = props;
  const { trans } = useTrans();
  if (!run.environment) {
    return (
      <Empty head={trans.__('Not known yet')}>
        {trans.__('The recorder scans the environment shortly after a kernel’s first cell.')}
      </Empty>
    );
  }
  const { distributions, hardware: _, python, ...rest } = run.environment;
  const facts = [
    ...flatten('python', python),
    ...flatten('', rest),
    ...flatten('', run.hardware),
    ...flatten('git', run.git),
    ...flatten(trans.__('random'), run.random)
  ];
  return (
    <div className="jp-Lineage-Environment">
      <table className="jp-Lineage-Table">
        <thead>
          <tr>
            <th scope="col" colSpan={2}>
              {trans.__('Machine and Python')}
            </th>
          </tr>
        </thead>
        <tbody>
          {facts.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="jp-Lineage-Table-value">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Distributions all={distributions ?? []} />
    </div>
  );
}

function Distributions(props: { all: IDistribution[] }): React.JSX.Element {
  const { all } = props;
  const { trans } = useTrans();
  const [text, setText] = React.useState('');
  const wanted = text.trim().toLowerCase();
  const found = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <div>
      <InputGroup
        type="text"
        role="searchbox"
        className="jp-Lineage-Environment-search"
        value={text}
        placeholder={trans.__('Search %1 distributions', all.length)}
        aria-label={trans.__('Search distributions')}
        onChange={event => setText(event.target.value)}
        rightIcon="ui-components:search"
      />
      <table className="jp-Lineage-Table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Distribution')}</th>
            <th scope="col">{trans.__('Version')}</th>
            <th scope="col">{trans.__('Origin')}</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ name, version, origin }) => (
            <tr key={`${name} ${version}`}>
              <th scope="row">{name}</th>
              <td>{version}</td>
              <td className="jp-Lineage-Table-value">
                {originWords(origin)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length === 0 && <Empty head={trans.__('No distribution of that name')} />}
    </div>
  );
}

/** Nested facts as lines: `cpu model`, `cpu cores`. What is null or empty is left out. */
function flatten(prefix: string, value: unknown): [string, string][] {
  if (value === null || value === undefined || value === '') {
    return [];
  }
  if (Array.isArray(value) && value.length === 0) {
    return [];
  }
  if (Array.isArray(value) && value.some(item => typeof item === 'object')) {
    return value.flatMap((item, index) => flatten(`${prefix} ${index + 1}`, item));
  }
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, inner]) =>
      flatten(
        prefix && prefix !== name ? `${prefix} ${words(name)}` : words(name),
        inner
      )
    );
  }
  if (typeof value === 'number' && prefix.endsWith(' bytes')) {
    return [[prefix.slice(0, -' bytes'.length), fileSize(value)]];
  }
  return [[prefix, Array.isArray(value) ? value.join(', ') : valueText(value)]];
}

/** Where a distribution came from, if from no index: its URL and commit. */
function originWords(origin: unknown): string {
  if (typeof origin !== 'object' || origin === null) {
    return origin ? valueText(origin) : '';
  }
  const { url, commit, editable } = origin as Record<string, unknown>;
  const parts = [url, typeof commit === 'string' && commit.slice(0, 10), editable && 'editable'];
  return parts.filter(Boolean).join(' · ');
}

function words(name: string): string {
  return name.replace(/_/g, ' ');
}
