import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

/** The reader's language, and the words in it. */
export interface ITrans {
  readonly trans: TranslationBundle;
  /** Lab's code of the language, such as `en` or `pt_BR`. */
  readonly language: string;
}

const TransContext = React.createContext<ITrans | null>(null);

export const TransProvider = TransContext.Provider;

export function useTrans(): ITrans {
  const value = React.useContext(TransContext);
  if (!value) {
    throw new Error('A page of ours is drawn without TransProvider');
  }
  return value;
}
