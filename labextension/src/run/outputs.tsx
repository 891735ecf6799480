import type { IOutput } from '@jupyterlab/nbformat';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { asLineageError } from '../api/client';
import type { IOutputs } from '../api/types';
import { useTrans } from '../components/trans';

/** Outputs are asked for when they are about to come into sight. */
const EARLY = '400px';

export interface IOutputsProps {
  load: () => Promise<IOutputs>;
  /** Changes whenever there may be other outputs. */
  version: string;
  rendermime: IRenderMimeRegistry;
}

/** What a cell put out, drawn by Lab's renderers as untrusted: no script of a record ever runs. */
export function Outputs(props: IOutputsProps): React.JSX.Element {
  const { trans } = useTrans();
  const host = React.useRef<HTMLDivElement>(null);
  const [isNear, setNear] = React.useState(false);
  const [reply, setReply] = React.useState<IOutputs | null>(null);
  const load = React.useRef(props.load);
  load.current = props.load;

  React.useEffect(() => {
    if (!host.current) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) {
          observer.disconnect();
          setNear(true);
        }
      },
      { rootMargin: EARLY }
    );
    observer.observe(host.current);
    return () => observer.disconnect();
  }, []);

  React.useEffect(() => {
    if (!isNear) {
      return;
    }
    let isWanted = true;
    load.current().then(
      outputs => isWanted && setReply(outputs),
      (reason: unknown) =>
        isWanted && setReply({ outputs: null, reason: asLineageError(reason).message })
    );
    return () => {
      isWanted = false;
    };
  }, [isNear, props.version]);

  return (
    <div ref={host} className="jp-Lineage-Outputs">
      {reply?.outputs === null && (
        <div className="jp-Lineage-quiet">
          {trans.__('Outputs: %1', reply.reason ?? trans.__('not kept'))}
        </div>
      )}
      {reply?.outputs && reply.outputs.length > 0 && (
        <Drawn outputs={reply.outputs as IOutput[]} rendermime={props.rendermime} />
      )}
    </div>
  );
}

function Drawn(props: {
  outputs: IOutput[];
  rendermime: IRenderMimeRegistry;
}): React.JSX.Element {
  const { outputs, rendermime } = props;
  const host = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const area = new SimplifiedOutputArea({
      model: new OutputAreaModel({ values: outputs, trusted: false }),
      rendermime
    });
    // React owns the surrounding nodes, so the widget is told by hand that it is in the page.
    MessageLoop.sendMessage(area, Widget.Msg.BeforeAttach);
    node.appendChild(area.node);
    MessageLoop.sendMessage(area, Widget.Msg.AfterAttach);
    return () => {
      MessageLoop.sendMessage(area, Widget.Msg.BeforeDetach);
      area.node.remove();
      MessageLoop.sendMessage(area, Widget.Msg.AfterDetach);
      area.model.dispose();
      area.dispose();
    };
  }, [outputs, rendermime]);
  return <div ref={host} />;
}
