import * as React from 'react';

import type { IFileVersion, IRunDetail } from '../api/types';
import { Copyable } from '../components/copy';
import { Empty } from '../components/note';
import { useTrans } from '../components/trans';
import { fileSize, pathBelow, shortHash } from '../format';

/** The files the run read and wrote, each version by its content's hash. */
export function Files(props: { run: IRunDetail }): React.JSX.Element {
  const { run } = props;
  const { trans } = useTrans();
  if (run.files.length === 0) {
    return (
      <Empty head={trans.__('No files')}>
        {trans.__('No cell of this run read or wrote a data file.')}
      </Empty>
    );
  }
  const isBoth = (file: IFileVersion): boolean => file.roles.length > 1;
  const groups = [
    {
      head: trans.__('Read'),
      files: run.files.filter(file => !isBoth(file) && file.roles[0] === 'read')
    },
    {
      head: trans.__('Written'),
      files: run.files.filter(file => !isBoth(file) && file.roles[0] === 'write')
    },
    { head: trans.__('Written and read'), files: run.files.filter(isBoth) }
  ].filter(({ files }) => files.length > 0);
  return (
    <table className="jp-Lineage-Table">
      <thead>
        <tr>
          <th scope="col">{trans.__('File')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('Size')}
          </th>
          <th scope="col">{trans.__('Content (BLAKE3)')}</th>
          <th scope="col">{trans.__('Cells')}</th>
        </tr>
      </thead>
      {groups.map(({ head, files }) => (
        <tbody key={head}>
          <tr className="jp-Lineage-Table-group">
            <th scope="rowgroup" colSpan={4}>
              {head} <span className="jp-Lineage-Tabs-count">{files.length}</span>
            </th>
          </tr>
          {files.map(file => (
            <FileRow key={`${file.uri} ${file.hash}`} file={file} folder={run.cwd} />
          ))}
        </tbody>
      ))}
    </table>
  );
}

function FileRow(props: {
  file: IFileVersion;
  folder: string | null | undefined;
}): React.JSX.Element {
  const { file } = props;
  const { trans } = useTrans();
  return (
    <tr>
      <td className="jp-Lineage-Table-path" title={file.path}>
        {pathBelow(file.path, props.folder)}
      </td>
      <td className="jp-mod-number">{fileSize(file.size)}</td>
      <td>
        {file.hash ? (
          <Copyable
            short={shortHash(file.hash)}
            full={file.hash}
            label={trans.__('Copy the hash')}
          />
        ) : (
          <span className="jp-Lineage-reason">
            {trans.__('not known: %1', file.reason ?? trans.__('no reason recorded'))}
          </span>
        )}
      </td>
      <td>{file.executions.join(', ')}</td>
    </tr>
  );
}
