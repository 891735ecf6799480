import { beforeEach, describe, expect, it } from 'vitest';

import { LineageError } from '../api/client';
import { FakeApi, FakeChanges, makeRun, makeRuns } from '../testing';
import { RunsModel } from './model';

let api: FakeApi;
let changes: FakeChanges;
let model: RunsModel;

/** Let everything that was started come to its end. */
async function settled(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 5));
}

beforeEach(() => {
  api = new FakeApi();
  changes = new FakeChanges();
  model = new RunsModel(api, changes);
});

describe('RunsModel', () => {
  it('asks for nothing while nobody looks, and at once when somebody does', async () => {
    api.all = makeRuns(3, 3);
    changes.changed.emit();
    await settled();
    expect(api.asked).toHaveLength(0);
    model.isActive = true;
    await settled();
    expect(model.runs.map(({ id }) => id)).toEqual(['3', '2', '1']);
    model.isActive = false;
    changes.changed.emit();
    await settled();
    expect(api.asked).toHaveLength(1);
    model.isActive = true;
    await settled();
    expect(api.asked).toHaveLength(2);
  });

  it('pages to the oldest run, each once', async () => {
    api.all = makeRuns(120, 120);
    await model.refresh();
    expect(model.runs).toHaveLength(50);
    while (model.hasMore) {
      await model.loadMore();
    }
    expect(model.runs.map(({ id }) => id)).toEqual(api.all.map(({ id }) => id));
  });

  it('keeps what was paged in when new runs come and old ones change', async () => {
    api.all = makeRuns(120, 120);
    await model.refresh();
    await model.loadMore();
    api.all = [makeRun({ id: '121' }), ...api.all];
    api.all[60] = makeRun({ id: '61', status: 'died' });
    await model.refresh();
    expect(model.runs[0].id).toBe('121');
    expect(new Set(model.runs.map(({ id }) => id)).size).toBe(model.runs.length);
    expect(model.runs.find(({ id }) => id === '61')?.status).toBe('died');
    while (model.hasMore) {
      await model.loadMore();
    }
    expect(model.runs).toHaveLength(121);
  });

  it('asks once more, not many times more, for changes during an answer', async () => {
    api.all = makeRuns(1, 1);
    model.isActive = true;
    changes.changed.emit();
    changes.changed.emit();
    changes.changed.emit();
    await settled();
    expect(api.asked).toHaveLength(2);
  });

  it('drops the answer to a filter that is no longer set', async () => {
    api.all = [makeRun({ id: '2', notebook: '/a' }), makeRun({ id: '1', notebook: '/b' })];
    const first = model.setFilter({ notebook: 'a', status: '' });
    const second = model.setFilter({ notebook: 'b', status: '' });
    await Promise.all([first, second]);
    expect(model.runs.map(({ id }) => id)).toEqual(['1']);
  });

  it('keeps the list and says the error, until something goes right', async () => {
    api.all = makeRuns(2, 2);
    await model.refresh();
    api.failure = new LineageError('damaged', { status: 503, hint: 'move it' });
    await model.refresh();
    expect(model.error?.hint).toBe('move it');
    expect(model.runs).toHaveLength(2);
    api.failure = null;
    await model.refresh();
    expect(model.error).toBeNull();
  });

  it('moves the selection and stops at both ends', async () => {
    api.all = makeRuns(3, 3);
    await model.refresh();
    const steps: [number, string][] = [
      [1, '3'],
      [1, '2'],
      [Infinity, '1'],
      [1, '1'],
      [-Infinity, '3'],
      [-1, '3']
    ];
    for (const [step, expected] of steps) {
      model.moveSelection(step);
      expect(model.selected).toBe(expected);
    }
  });
});
