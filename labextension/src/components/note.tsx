import * as React from 'react';

import type { LineageError } from '../api/client';
import { warningIcon } from '../icons';
import { useTrans } from './trans';

/** Something the reader must know: what, what to do, and perhaps a button. */
export function Note(props: {
  tone: 'warn' | 'bad' | 'quiet';
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <div
      className={`jp-Lineage-Note jp-mod-${props.tone}`}
      role={props.tone === 'bad' ? 'alert' : 'note'}
    >
      {props.tone !== 'quiet' && (
        <warningIcon.react tag="span" className="jp-Lineage-Note-icon" aria-hidden />
      )}
      <div className="jp-Lineage-Note-text">{props.children}</div>
    </div>
  );
}

/** A server's error in its own words, with its hint. */
export function ErrorNote(props: {
  error: Pick<LineageError, 'message' | 'hint'>;
  retry?: () => void;
}): React.JSX.Element {
  const { trans } = useTrans();
  return (
    <Note tone="bad">
      <div className="jp-Lineage-Note-head">{sentence(props.error.message)}</div>
      {props.error.hint && <div>{props.error.hint}</div>}
      {props.retry && (
        <button className="jp-Lineage-Link" onClick={props.retry}>
          {trans.__('Try again')}
        </button>
      )}
    </Note>
  );
}

/** The server's words as a sentence: a capital letter first, a full stop last. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** What to do where there is nothing to show. */
export function Empty(props: {
  head: string;
  children?: React.ReactNode;
}): React.JSX.Element {
  return (
    <div className="jp-Lineage-Empty">
      <div className="jp-Lineage-Empty-head">{props.head}</div>
      {props.children && <div>{props.children}</div>}
    </div>
  );
}
