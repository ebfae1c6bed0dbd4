/** What a view with an editor says where another client was faster. */
import type { ComponentChildren, JSX } from 'preact'

interface Props {
  /** What happened, and that what was typed is kept. */
  readonly said: ComponentChildren
  /** What is there now. */
  readonly children: ComponentChildren
  readonly saveLabel?: string
  readonly cannotSave?: boolean
  save(): Promise<void>
  drop(): void
}

export function Conflict({ said, children, saveLabel, cannotSave = false, save, drop }: Props): JSX.Element {
  return (
    <div class="note bad" role="alert">
      <p>{said}</p>
      {children}
      <p class="line">
        <button type="button" disabled={cannotSave} onClick={() => void save()}>
          {saveLabel ?? 'Save mine over theirs'}
        </button>
        <button type="button" onClick={drop}>
          Take theirs, drop mine
        </button>
      </p>
    </div>
  )
}
