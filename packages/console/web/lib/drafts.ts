/** What was typed and not saved, by znode. It survives a reload of the page, a lost gateway, and a znode that is deleted meanwhile. */
import { useRef, useState } from 'preact/hooks'
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

/** An edited quota: what stands in its fields. */
export interface QuotaDraft {
  readonly fields: Readonly<Record<QuotaField, string>>
  /** The version of the quota that was edited; undefined where there was none. */
  readonly version?: number
}

export type QuotaField = `${'soft' | 'hard'} ${'znodes' | 'bytes'}`

interface Kinds {
  readonly data: Draft
  readonly acl: AclDraft
  readonly quota: QuotaDraft
}

export interface Drafted<T> {
  /** What was typed and is not saved; undefined where there is nothing of it. */
  readonly draft: T | undefined
  edit(next: T | undefined): void
  /** `sent` was saved. What was typed meanwhile stays: `onTop` makes it a draft of what is saved now. */
  settle(sent: T, onTop: (newer: T) => T): void
}

export function useDraft<K extends keyof Kinds>(kind: K, path: string): Drafted<Kinds[K]> {
  const [draft, setDraft] = useState(() => draftOf(kind, path))
  // What was typed last: a save that has begun earlier must not drop it.
  const latest = useRef(draft)
  const edit = (next: Kinds[K] | undefined): void => {
    latest.current = next
    setDraft(next)
    keepDraft(kind, path, next)
  }
  const settle = (sent: Kinds[K], onTop: (newer: Kinds[K]) => Kinds[K]): void => {
    const newer = latest.current
    edit(newer === sent || newer === undefined ? undefined : onTop(newer))
  }
  return { draft, edit, settle }
}

function draftOf<K extends keyof Kinds>(kind: K, path: string): Kinds[K] | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(`${kind} ${path}`) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

function keepDraft<K extends keyof Kinds>(kind: K, path: string, draft: Kinds[K] | undefined): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(`${kind} ${path}`)
    else sessionStorage.setItem(`${kind} ${path}`, JSON.stringify(draft))
  } catch {
    // The storage of the browser is full: the text stays on the page.
  }
}
