import { HTMLSelect, InputGroup } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { RunStatus } from '../api/types';
import { statusWord } from '../components/badge';
import { useTrans } from '../components/trans';
import type { RunsModel } from './model';

const STATUSES: RunStatus[] = ['running', 'completed', 'failed', 'interrupted', 'died'];
const TYPING_MILLISECONDS = 250;

/** The box above the list: part of a notebook's path. */
export function RunFilter(props: { model: RunsModel }): React.JSX.Element {
  const { model } = props;
  const { trans } = useTrans();
  const [text, setText] = React.useState(model.filter.notebook);
  React.useEffect(() => {
    if (text === model.filter.notebook) {
      return;
    }
    const timer = setTimeout(
      () => void model.setFilter({ ...model.filter, notebook: text }),
      TYPING_MILLISECONDS
    );
    return () => clearTimeout(timer);
  }, [model, text]);
  return (
    <div className="jp-Lineage-RunFilter" role="search">
      <InputGroup
        type="text"
        role="searchbox"
        className="jp-Lineage-RunFilter-text"
        value={text}
        placeholder={trans.__('Filter by notebook')}
        aria-label={trans.__('Filter by notebook')}
        onChange={event => setText(event.target.value)}
        rightIcon="ui-components:search"
      />
    </div>
  );
}

/** The status that is shown alone, beside the panel's title. */
export function StatusFilter(props: { model: RunsModel }): React.JSX.Element {
  const { model } = props;
  const { trans } = useTrans();
  return (
    <HTMLSelect
      className="jp-Lineage-RunFilter-status"
      value={model.filter.status}
      aria-label={trans.__('Filter by status')}
      onChange={event =>
        void model.setFilter({
          ...model.filter,
          status: event.target.value as RunStatus | ''
        })
      }
    >
      <option value="">{trans.__('Any status')}</option>
      {STATUSES.map(status => (
        <option key={status} value={status}>
          {statusWord(trans, status)}
        </option>
      ))}
    </HTMLSelect>
  );
}
