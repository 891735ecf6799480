import type { LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { RunStatus, Verdict } from '../api/types';
import {
  aboutEqualIcon,
  barIcon,
  crossIcon,
  dotIcon,
  ringIcon,
  tickIcon,
  unequalIcon,
  warningIcon
} from '../icons';
import { useTrans } from './trans';

type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'quiet';

interface ISign {
  icon: LabIcon;
  tone: Tone;
}

const STATUS: Record<RunStatus, ISign> = {
  running: { icon: dotIcon, tone: 'busy' },
  completed: { icon: tickIcon, tone: 'good' },
  failed: { icon: crossIcon, tone: 'bad' },
  interrupted: { icon: barIcon, tone: 'warn' },
  died: { icon: warningIcon, tone: 'bad' }
};

const VERDICT: Record<Verdict, ISign> = {
  identical: { icon: tickIcon, tone: 'good' },
  equivalent: { icon: aboutEqualIcon, tone: 'good' },
  different: { icon: unequalIcon, tone: 'warn' },
  failed: { icon: crossIcon, tone: 'bad' },
  'not compared': { icon: ringIcon, tone: 'quiet' }
};

export function statusWord(trans: TranslationBundle, status: RunStatus): string {
  return {
    running: trans.__('Running'),
    completed: trans.__('Completed'),
    failed: trans.__('Failed'),
    interrupted: trans.__('Interrupted'),
    died: trans.__('Kernel died')
  }[status];
}

export function verdictWord(trans: TranslationBundle, verdict: Verdict): string {
  return {
    identical: trans.__('Identical'),
    equivalent: trans.__('Equivalent'),
    different: trans.__('Different'),
    failed: trans.__('Failed'),
    'not compared': trans.__('Not compared')
  }[verdict];
}

export interface IBadgeProps extends ISign {
  word: string;
  title?: string;
  /** Show the icon alone; the word stays for screen readers and as a tooltip. */
  iconOnly?: boolean;
}

/** An icon and a word: never colour alone. */
export function Badge(props: IBadgeProps): React.JSX.Element {
  const { icon, tone, word, title, iconOnly } = props;
  return (
    <span
      className={`jp-Lineage-Badge jp-mod-${tone}`}
      title={title ?? (iconOnly ? word : undefined)}
    >
      <icon.react tag="span" className="jp-Lineage-Badge-icon" aria-hidden />
      <span className={iconOnly ? 'jp-Lineage-forReaders' : 'jp-Lineage-Badge-word'}>
        {word}
      </span>
    </span>
  );
}

export function StatusBadge(props: {
  status: RunStatus;
  iconOnly?: boolean;
}): React.JSX.Element {
  const { trans } = useTrans();
  const sign = STATUS[props.status] ?? { icon: ringIcon, tone: 'quiet' as const };
  const word = statusWord(trans, props.status) ?? props.status;
  return <Badge {...sign} word={word} iconOnly={props.iconOnly} />;
}

export function VerdictBadge(props: {
  verdict: Verdict;
  title?: string;
}): React.JSX.Element {
  const { trans } = useTrans();
  const sign = VERDICT[props.verdict] ?? { icon: ringIcon, tone: 'quiet' as const };
  const word = verdictWord(trans, props.verdict) ?? props.verdict;
  return <Badge {...sign} word={word} title={props.title} />;
}
