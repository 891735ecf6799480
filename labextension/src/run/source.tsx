import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import * as React from 'react';

/** Highlighting a longer text than this would hold up the page; it is shown plain. */
const LONGEST = 50_000;

/** A cell's code in the colours of the reader's theme. */
export const Source = React.memo(function Source(props: {
  text: string;
  languages: IEditorLanguageRegistry | null;
}): React.JSX.Element {
  const { text, languages } = props;
  const node = React.useRef<HTMLPreElement>(null);
  React.useEffect(() => {
    const host = node.current;
    if (!host) {
      return;
    }
    host.textContent = text;
    if (!languages || text.length > LONGEST) {
      return;
    }
    const shadow = document.createElement('div');
    let isWanted = true;
    void languages
      .highlight(text, languages.findByName('ipython') ?? languages.findByName('python'), shadow)
      .then(() => {
        if (isWanted && shadow.textContent === text) {
          host.replaceChildren(...Array.from(shadow.childNodes));
        }
      });
    return () => {
      isWanted = false;
    };
  }, [text, languages]);
  return <pre ref={node} className="jp-Lineage-Source" />;
});
