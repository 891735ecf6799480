import { Clipboard } from '@jupyterlab/apputils';
import { checkIcon, copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useTrans } from './trans';

const SHOWN_MILLISECONDS = 1500;

/** A short text that stands for a long one, which its button copies. */
export function Copyable(props: {
  short: string;
  full: string;
  label: string;
}): React.JSX.Element {
  const { trans } = useTrans();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [copied]);
  const Icon = copied ? checkIcon : copyIcon;
  return (
    <span className="jp-Lineage-Copyable">
      <code title={props.full}>{props.short}</code>
      <button
        className="jp-Lineage-Copyable-button"
        title={copied ? trans.__('Copied') : props.label}
        aria-label={copied ? trans.__('Copied') : props.label}
        onClick={() => {
          Clipboard.copyToSystem(props.full);
          setCopied(true);
        }}
      >
        <Icon.react tag="span" aria-hidden />
      </button>
    </span>
  );
}
