/** What was typed and not saved, by znode. It survives a reload of the page, a lost gateway, and a znode that is deleted meanwhile. */

export type Form = 'text' | 'json' | 'hex'

export interface Draft {
  readonly text: string
  readonly form: Form
  /** The version that was edited. */
  readonly version: number
}

const key = (path: string): string => `draft ${path}`

export function draftOf(path: string): Draft | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(key(path)) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function keepDraft(path: string, draft: Draft | undefined): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(key(path))
    else sessionStorage.setItem(key(path), JSON.stringify(draft))
  } catch {
    // The storage of the browser is full: the text stays on the page.
  }
}
