import * as React from 'react';

import { exactTime, relativeTime } from '../format';
import { useTrans } from './trans';

/** The current time, renewed so often that relative times stay true. */
export function useNow(milliseconds: number): number {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) {
        setNow(Date.now());
      }
    }, milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return now;
}

/** "3 min. ago", with the exact time as tooltip. */
export function Ago(props: { at: string; now: number }): React.JSX.Element {
  const { language } = useTrans();
  return (
    <time dateTime={props.at} title={exactTime(props.at, language)}>
      {relativeTime(props.at, props.now, language)}
    </time>
  );
}
