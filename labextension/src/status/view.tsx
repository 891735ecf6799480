import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IStatus } from '../api/types';
import { Badge, type IBadgeProps } from '../components/badge';
import { type ITrans, TransProvider, useTrans } from '../components/trans';
import { dotIcon, powerIcon, ringIcon, warningIcon } from '../icons';
import type { StatusModel } from './model';

/** "Recording", or why not, for the notebook in front. */
export class StatusItem extends ReactWidget {
  private readonly _model: StatusModel;
  private readonly _trans: ITrans;
  private readonly _open: () => void;

  constructor(model: StatusModel, trans: ITrans, open: () => void) {
    super();
    this._model = model;
    this._trans = trans;
    this._open = open;
    this.addClass('jp-Lineage-StatusItem');
  }

  protected override render(): React.JSX.Element {
    return (
      <TransProvider value={this._trans}>
        <UseSignal signal={this._model.stateChanged}>
          {() => <Status model={this._model} open={this._open} />}
        </UseSignal>
      </TransProvider>
    );
  }
}

function Status(props: {
  model: StatusModel;
  open: () => void;
}): React.JSX.Element | null {
  const { trans } = useTrans();
  const { status, problem } = props.model;
  if (!status && !problem) {
    return null;
  }
  const sign = status ? signOf(status, trans) : problemSign(problem, trans);
  return (
    <button
      className="jp-Lineage-StatusItem-button"
      title={sign.title}
      onClick={props.open}
      aria-live="polite"
    >
      <Badge {...sign} title={sign.title} />
    </button>
  );
}

function problemSign(problem: string, trans: ITrans['trans']): IBadgeProps {
  return {
    icon: warningIcon,
    tone: 'warn',
    word: trans.__('Lineage unknown'),
    title: problem
  };
}

function signOf(status: IStatus, trans: ITrans['trans']): IBadgeProps {
  if (status.warning) {
    const word = status.recording
      ? trans.__('Recording, with a warning')
      : trans.__('Recording has a problem');
    return { icon: warningIcon, tone: 'warn', word, title: status.warning };
  }
  switch (status.state) {
    case 'recording':
      return {
        icon: dotIcon,
        tone: 'good',
        word: trans.__('Recording'),
        title: trans.__(
          'Cells, files, code and environment are recorded in %1. Click to see this run.',
          status.database
        )
      };
    case 'off':
      return { icon: powerIcon, tone: 'quiet', word: trans.__('Recording off'), title: status.reason };
    case 'ended':
      return { icon: ringIcon, tone: 'quiet', word: trans.__('Run ended'), title: status.reason };
    default:
      return {
        icon: warningIcon,
        tone: 'warn',
        word: trans.__('Not recorded – restart kernel'),
        title: status.reason
      };
  }
}
