/** `states()`: the states of a session as a stream. */
import { hearAbort, unhearAbort } from '../arguments/abort.ts'
import { interruptible } from '../interruptible.ts'
import type { Session } from './session.ts'
import { isFinal, type SessionState } from './states.ts'

interface StateReader {
  readonly signal: AbortSignal | undefined
  isLeft: boolean
  wake: (() => void) | undefined
}

/** The current state, then every later state, without gaps. The stream ends after a final state. */
export function statesOf(session: Session, signal: AbortSignal | undefined): AsyncGenerator<SessionState, void, void> {
  const reader: StateReader = { signal, isLeft: false, wake: undefined }
  return interruptible(read(session, reader), () => {
    reader.isLeft = true
    reader.wake?.()
  })
}

async function* read(session: Session, reader: StateReader): AsyncGenerator<SessionState, void, void> {
  const { signal } = reader
  const pending: SessionState[] = [session.state]
  const stop = session.onState((state) => {
    pending.push(state)
    reader.wake?.()
  })
  const onAbort = (): void => reader.wake?.()
  hearAbort(signal, onAbort)
  try {
    while (!signal?.aborted && !reader.isLeft) {
      const state = pending.shift()
      if (state !== undefined) {
        yield state
        if (isFinal(state)) return
        continue
      }
      await new Promise<void>((resolve) => {
        reader.wake = resolve
      })
    }
  } finally {
    stop()
    unhearAbort(signal, onAbort)
  }
}
