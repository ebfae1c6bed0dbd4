/** The dialog that takes a transaction back, with its preview. */
import type { JSX } from 'preact'
import type { PastChange, Value } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { briefOf } from '../lib/bytes.ts'
import { useLoad } from '../lib/load.ts'
import { useWrite } from '../lib/use-write.ts'
import { Dialog, ProblemNote } from '../parts/bits.tsx'

interface UndoPreview {
  readonly changes: readonly PastChange[]
  readonly steps: readonly { readonly kind: string; readonly path: string; readonly value?: Value }[]
  readonly obstacles: readonly string[]
}

export function UndoDialog({ zxid, onClose }: { readonly zxid: string; readonly onClose: () => void }): JSX.Element {
  const { value, problem } = useLoad<UndoPreview>(address('/api/past/undo', { zxid }))
  const { failed, send } = useWrite(onClose)
  const undo = (): Promise<void> => send('POST', '/api/past/undo', { zxid })
  return (
    <Dialog title={`Undo transaction ${zxid}?`} onClose={onClose}>
      <ProblemNote problem={problem ?? failed} />
      {value === undefined ? null : value.obstacles.length > 0 ? (
        <div class="note bad">
          It cannot be undone:
          <ul>
            {value.obstacles.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </div>
      ) : (
        <>
          <p>
            This is written, all of it or nothing. The server refuses it where somebody has written one of these znodes
            since.
          </p>
          <ol>
            {value.steps.map((each, i) => (
              <li key={i}>
                {each.kind} <code>{each.path}</code>{' '}
                {each.value === undefined ? '' : briefOf(each.value.data, each.value.bytes)}
              </li>
            ))}
          </ol>
        </>
      )}
      <p class="line">
        <button
          type="button"
          class="danger"
          disabled={value === undefined || value.obstacles.length > 0}
          onClick={() => void undo()}
        >
          Undo it
        </button>
        <button type="button" onClick={onClose} autofocus>
          Cancel
        </button>
      </p>
    </Dialog>
  )
}
