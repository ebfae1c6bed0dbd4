/** A write that a dialog sends. */
import { useState } from 'preact/hooks'
import { ApiProblem, write } from './api.ts'
import { emit } from './news.ts'

export interface Write {
  /** Why the last try failed. */
  readonly failed: ApiProblem | undefined
  /** Tries it. After success the views read again, and `done` is called. */
  send(...request: Parameters<typeof write>): Promise<void>
}

export function useWrite(done: () => void): Write {
  const [failed, setFailed] = useState<ApiProblem>()
  const send = async (...request: Parameters<typeof write>): Promise<void> => {
    setFailed(undefined)
    try {
      await write(...request)
      emit('written')
      done()
    } catch (error) {
      if (error instanceof ApiProblem) setFailed(error)
    }
  }
  return { failed, send }
}
