import { UseSignal } from '@jupyterlab/ui-components';
import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import type { IRun } from '../api/types';
import { useNow } from '../components/time';
import { useTrans } from '../components/trans';
import type { Reproducer } from '../reproduce/model';
import type { RunsModel } from './model';
import { RunRow, rowId } from './row';

const ROW_PIXELS = 52;
const TICK = 10_000;
/** While a run is running its duration is seen to grow. */
const RUNNING_TICK = 1000;
/** Load on when so few rows are left below the last one that is drawn. */
const MARGIN = 10;

export interface IRunListProps {
  model: RunsModel;
  reproducer: Reproducer;
  open: (run: IRun) => void;
  reproduce: (run: IRun) => void;
}

/** The rows: only those in sight exist, however many runs there are. */
export function RunList(props: IRunListProps): React.JSX.Element {
  const { model, open } = props;
  const { trans } = useTrans();
  const scroller = React.useRef<HTMLDivElement>(null);
  const runs = model.runs;
  const now = useNow(runs.some(isRunning) ? RUNNING_TICK : TICK);
  const rows = useVirtualizer({
    count: runs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PIXELS,
    getItemKey: index => runs[index].id,
    overscan: 6
  });
  const items = rows.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  React.useEffect(() => {
    if (model.hasMore && last >= runs.length - MARGIN) {
      void model.loadMore();
    }
  }, [model, last, runs.length]);

  const onOpen = React.useCallback(
    (run: IRun) => {
      model.selected = run.id;
      open(run);
    },
    [model, open]
  );
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = stepOf(event.key, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PIXELS));
    if (step !== null) {
      event.preventDefault();
      rows.scrollToIndex(model.moveSelection(step));
    } else if (event.key === 'Enter') {
      const run = runs.find(({ id }) => id === model.selected);
      if (run) {
        event.preventDefault();
        onOpen(run);
      }
    }
  };
  const selected = runs.some(({ id }) => id === model.selected) ? model.selected : null;
  return (
    <UseSignal signal={props.reproducer.changed}>
      {() => (
        <div
          ref={scroller}
          className="jp-Lineage-RunList"
          role="grid"
          aria-label={trans.__('Recorded runs, newest first')}
          aria-rowcount={model.hasMore ? -1 : runs.length}
          aria-activedescendant={selected ? rowId(selected) : undefined}
          tabIndex={0}
          onKeyDown={onKeyDown}
        >
          <div
            className="jp-Lineage-RunList-all"
            role="rowgroup"
            style={{ height: rows.getTotalSize() }}
          >
            {items.map(item => (
              <RunRow
                key={item.key}
                run={runs[item.index]}
                index={item.index}
                now={now}
                isSelected={runs[item.index].id === selected}
                isBusy={props.reproducer.isBusy(runs[item.index].id)}
                top={item.start}
                onOpen={onOpen}
                onReproduce={props.reproduce}
              />
            ))}
          </div>
        </div>
      )}
    </UseSignal>
  );
}

function isRunning(run: IRun): boolean {
  return run.status === 'running';
}

function stepOf(key: string, page: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return 1;
    case 'ArrowUp':
      return -1;
    case 'PageDown':
      return page;
    case 'PageUp':
      return -page;
    case 'Home':
      return -Infinity;
    case 'End':
      return Infinity;
    default:
      return null;
  }
}
