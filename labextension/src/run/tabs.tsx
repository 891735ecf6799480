import * as React from 'react';

export interface ITab {
  id: string;
  label: string;
  count?: number;
  body: () => React.ReactNode;
}

/** Tabs by the ARIA pattern: arrow keys move, only the chosen one can be tabbed to. */
export function Tabs(props: { tabs: ITab[] }): React.JSX.Element {
  const { tabs } = props;
  const prefix = React.useId();
  const [chosen, setChosen] = React.useState<string | null>(null);
  const list = React.useRef<HTMLDivElement>(null);
  const found = tabs.findIndex(({ id }) => id === chosen);
  const at = found < 0 ? 0 : found;
  const choose = (index: number): void => {
    const to = (index + tabs.length) % tabs.length;
    setChosen(tabs[to].id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      choose(to);
    }
  };
  return (
    <>
      <div className="jp-Lineage-Tabs" role="tablist" ref={list} onKeyDown={onKeyDown}>
        {tabs.map((tab, index) => (
          <button
            key={tab.id}
            id={`${prefix}-tab-${tab.id}`}
            className={`jp-Lineage-Tabs-tab${index === at ? ' jp-mod-selected' : ''}`}
            role="tab"
            aria-selected={index === at}
            aria-controls={`${prefix}-body`}
            tabIndex={index === at ? 0 : -1}
            data-tab={tab.id}
            onClick={() => setChosen(tab.id)}
          >
            {tab.label}
            {tab.count !== undefined && (
              <span className="jp-Lineage-Tabs-count">{tab.count}</span>
            )}
          </button>
        ))}
      </div>
      <div
        className="jp-Lineage-Tabs-body"
        id={`${prefix}-body`}
        role="tabpanel"
        tabIndex={0}
        aria-labelledby={`${prefix}-tab-${tabs[at].id}`}
      >
        {tabs[at].body()}
      </div>
    </>
  );
}
