/** What was typed and not saved, by znode. It survives a reload of the page, a lost gateway, and a znode that is deleted meanwhile. */

import type { AclEntry } from '../../src/api.ts'

export type Form = 'text' | 'json' | 'hex'

export interface Draft {
  readonly text: string
  readonly form: Form
  /** The version that was edited. */
  readonly version: number
}

/** An edited list of permissions. */
export interface AclDraft {
  readonly acl: readonly AclEntry[]
  /** The version of the list that was edited. */
  readonly aversion: number
}

interface Kinds {
  readonly data: Draft
  readonly acl: AclDraft
}

/** What was typed at `path` and not saved. */
export function draftOf<K extends keyof Kinds>(kind: K, path: string): Kinds[K] | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(`${kind} ${path}`) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function keepDraft<K extends keyof Kinds>(kind: K, path: string, draft: Kinds[K] | undefined): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(`${kind} ${path}`)
    else sessionStorage.setItem(`${kind} ${path}`, JSON.stringify(draft))
  } catch {
    // The storage of the browser is full: the text stays on the page.
  }
}
