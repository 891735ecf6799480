/** The replies of the REST routes (docs/reference/rest.md), as far as the front end uses them. */

export type RunStatus = 'running' | 'completed' | 'failed' | 'interrupted' | 'died';

export type RunKind = 'session' | 'trial' | 'tracked' | 'script' | 'reproduction';

export type Verdict = 'identical' | 'equivalent' | 'different' | 'failed' | 'not compared';

/** A metric that is no finite number comes as text: JSON has no such numbers. */
export type MetricValue = number | 'nan' | 'inf' | '-inf';

/** One line of the list. */
export interface IRun {
  id: string;
  parent_id: string | null;
  kind: RunKind;
  name: string | null;
  notebook: string | null;
  status: RunStatus;
  started_at: string;
  ended_at: string | null;
  user: string | null;
  host: string | null;
  params: Record<string, unknown>;
  metrics: Record<string, MetricValue>;
  tags: string[];
  notes?: string[];
  /** What a reproduction came to; null or absent for every other run. */
  verdict?: Verdict | null;
}

export interface IRunPage {
  runs: IRun[];
  next: string | null;
  change: number;
}

export interface IExecution {
  id: string;
  number: number;
  execution_count: number | null;
  source: string | null;
  status: RunStatus;
  started_at: string;
  seconds: number | null;
  error?: { name: string; value: string } | null;
  names_read: string[];
  names_written: string[];
  outputs_hash: string | null;
}

export interface IFileVersion {
  path: string;
  uri: string;
  roles: ('read' | 'write')[];
  hash: string | null;
  reason: string | null;
  size: number | null;
  executions: number[];
  via: string;
}

export interface IGap {
  execution: number | null;
  at: string;
  reason: string;
  detail: string | null;
  count: number;
}

export interface IDistribution {
  name: string;
  version: string | null;
  origin?: unknown;
}

/** An environment's document; fields that we don't know are shown as they are. */
export interface IEnvironment {
  python?: unknown;
  distributions?: IDistribution[];
  [field: string]: unknown;
}

export interface ITrial {
  id: string;
  name: string | null;
  params: Record<string, unknown>;
  metrics: Record<string, MetricValue>;
}

export interface IExecutionVerdict {
  number: number;
  verdict: Verdict;
  reason: string | null;
}

export interface IFileVerdict {
  path: string;
  verdict: Verdict;
  reason?: string | null;
}

export interface IMetricVerdict {
  name: string;
  verdict: Verdict;
  original?: MetricValue | null;
  reproduced?: MetricValue | null;
  reason?: string | null;
}

export interface IReproduction {
  run: string;
  reproduction: string;
  verdict: Verdict;
  executions: IExecutionVerdict[];
  files: IFileVerdict[];
  metrics: IMetricVerdict[];
  environment: Record<string, unknown>;
}

export interface IReproductionLink {
  id: string;
  verdict: Verdict;
  started_at: string;
}

/** One run whole. */
export interface IRunDetail extends IRun {
  cwd?: string | null;
  git: Record<string, unknown> | null;
  environment: IEnvironment | null;
  hardware: Record<string, unknown> | null;
  random: Record<string, unknown> | null;
  capture_level: 'full' | 'python-only';
  gaps: IGap[];
  trials: ITrial[];
  executions: IExecution[];
  files: IFileVersion[];
  reproduction: IReproduction | null;
  reproductions: IReproductionLink[];
}

export interface IOutputs {
  outputs: unknown[] | null;
  reason: string | null;
}

export type RecordingState = 'recording' | 'not-recorded' | 'off' | 'ended';

export interface IStatus {
  state: RecordingState;
  recording: boolean;
  run: string | null;
  reason: string;
  database: string;
  behind: number;
  warning: string | null;
  first_time: boolean;
}

export interface IJob {
  state: 'running' | 'done' | 'failed';
  phase: string;
  done: number;
  total: number;
  result: IReproduction | null;
  error: string | null;
}

export interface IRunQuery {
  limit?: number;
  before?: string | null;
  notebook?: string;
  status?: RunStatus | '';
}
