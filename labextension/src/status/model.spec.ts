import { expect, it } from 'vitest';

import { LineageError } from '../api/client';
import { FakeApi, FakeChanges } from '../testing';
import { StatusModel } from './model';

it('asks about no kernel where there is none', async () => {
  const api = new FakeApi();
  const model = new StatusModel(api, new FakeChanges());
  await model.refresh();
  expect(api.kernels).toEqual([]);
});

it('shows the kernel in front, not the one asked about before', async () => {
  const api = new FakeApi();
  const model = new StatusModel(api, new FakeChanges());
  const first = model.setKernel('old');
  await Promise.all([first, model.setKernel('new')]);
  expect(model.status?.run).toBe('new');
  await model.setKernel(null);
  expect(model.status).toBeNull();
});

it('asks again when something changed', async () => {
  const api = new FakeApi();
  const changes = new FakeChanges();
  const model = new StatusModel(api, changes);
  api.status = { state: 'not-recorded', recording: false };
  await model.setKernel('k');
  expect(model.status?.state).toBe('not-recorded');
  api.status = {};
  changes.changed.emit();
  await new Promise(resolve => setTimeout(resolve, 5));
  expect(model.status?.state).toBe('recording');
});

it('says in words why nothing is known', async () => {
  const api = new FakeApi();
  api.getStatus = () =>
    Promise.reject(new LineageError('no answer', { status: 0, hint: 'start it' }));
  const model = new StatusModel(api, new FakeChanges());
  await model.setKernel('k');
  expect(model.problem).toBe('no answer. start it');
});
