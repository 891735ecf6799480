import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type {
  IJob,
  IOutputs,
  IRunDetail,
  IRunPage,
  IRunQuery,
  IStatus
} from './types';

/** An error as the server said it: what is wrong, and what to do about it. */
export class LineageError extends Error {
  readonly status: number;
  readonly hint: string;
  readonly paths: readonly string[];

  constructor(
    message: string,
    options: { status: number; hint?: string; paths?: readonly string[] }
  ) {
    super(message);
    this.name = 'LineageError';
    this.status = options.status;
    this.hint = options.hint ?? '';
    this.paths = options.paths ?? [];
  }
}

/** What the panel asks the server. */
export interface ILineageApi {
  listRuns(query: IRunQuery): Promise<IRunPage>;
  getRun(id: string): Promise<IRunDetail>;
  getOutputs(id: string, number: number): Promise<IOutputs>;
  getStatus(kernelId: string): Promise<IStatus>;
  reproduce(id: string): Promise<string>;
  getJob(id: string): Promise<IJob>;
}

/** The REST routes under `/lineage/api/`, by Jupyter's own connection (token, XSRF, base URL). */
export class LineageClient implements ILineageApi {
  private readonly _settings: ServerConnection.ISettings;

  constructor(settings: ServerConnection.ISettings) {
    this._settings = settings;
  }

  listRuns(query: IRunQuery): Promise<IRunPage> {
    const given = Object.entries(query)
      .filter(([, value]) => value !== undefined && value !== null && value !== '')
      .map(([name, value]) => [name, String(value)]);
    return this._ask<IRunPage>(`runs?${new URLSearchParams(given).toString()}`);
  }

  getRun(id: string): Promise<IRunDetail> {
    return this._ask<IRunDetail>(`runs/${encodeURIComponent(id)}`);
  }

  getOutputs(id: string, number: number): Promise<IOutputs> {
    return this._ask<IOutputs>(
      `runs/${encodeURIComponent(id)}/executions/${number}/outputs`
    );
  }

  getStatus(kernelId: string): Promise<IStatus> {
    return this._ask<IStatus>(`status?kernel_id=${encodeURIComponent(kernelId)}`);
  }

  async reproduce(id: string): Promise<string> {
    const reply = await this._ask<{ job: string }>(
      `runs/${encodeURIComponent(id)}/reproduce`,
      { method: 'POST', body: '{}' }
    );
    return reply.job;
  }

  getJob(id: string): Promise<IJob> {
    return this._ask<IJob>(`jobs/${encodeURIComponent(id)}`);
  }

  private async _ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, 'lineage/api/') + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch {
      throw new LineageError('The Jupyter server does not answer', {
        status: 0,
        hint: 'Check that it still runs; the list comes back by itself.'
      });
    }
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      throw errorOf(response.status, body);
    }
    return body as T;
  }
}

/** Turn an error reply into words, also where it did not come from us (a proxy, an old server). */
export function errorOf(status: number, body: unknown): LineageError {
  const said = (body ?? {}) as {
    error?: string;
    hint?: string;
    paths?: string[];
    message?: string;
  };
  if (!said.error && status === 404) {
    return new LineageError('This server has no lineage routes', {
      status,
      hint: 'Install jupyter_lineage in the environment that Jupyter runs in, then restart Jupyter.'
    });
  }
  return new LineageError(
    said.error ?? said.message ?? `The server answered with status ${status}`,
    { status, hint: said.hint, paths: said.paths }
  );
}

/** Any thrown thing as an error in words. */
export function asLineageError(reason: unknown): LineageError {
  if (reason instanceof LineageError) {
    return reason;
  }
  const message = reason instanceof Error ? reason.message : String(reason);
  return new LineageError(message, { status: 500 });
}
