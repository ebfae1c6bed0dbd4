/** What a view reads from the gateway: the newest answer, and why there is no newer one. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiProblem, ask } from './api.ts'
import { useNews } from './news.ts'

export interface Loaded<T> {
  /** The last answer; it stays while a newer one is on its way, or fails. */
  readonly value: T | undefined
  readonly problem: ApiProblem | undefined
  readonly isLoading: boolean
  reload(): void
}

/** An answer that takes longer is given up, milliseconds: the gateway waits for servers for less. */
const patienceMs = 20_000

/**
 * Asks `url`, again when it changes, when the gateway is back, and each `everyMs`, or when the last answer comes where that is later.
 * Undefined asks nothing.
 */
export function useLoad<T>(url: string | undefined, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'> & { readonly url: string | undefined }>({
    url,
    value: undefined,
    problem: undefined,
    isLoading: true,
  })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((each) => each + 1), [])
  const latest = useRef(0)
  /** When the request began that is on its way. */
  const begun = useRef<number>(undefined)
  useEffect(() => {
    if (url === undefined) return
    const own = ++latest.current
    const gone = new AbortController()
    begun.current = performance.now()
    setState((before) =>
      before.url === url
        ? { ...before, isLoading: true }
        : { url, value: undefined, problem: undefined, isLoading: true },
    )
    ask<T>(url, gone.signal).then(
      (value) => {
        if (own !== latest.current) return
        begun.current = undefined
        setState({ url, value, problem: undefined, isLoading: false })
      },
      (error: unknown) => {
        if (own !== latest.current || gone.signal.aborted) return
        begun.current = undefined
        const problem = error instanceof ApiProblem ? error : new ApiProblem({ code: 'FAILED', message: String(error) })
        setState((before) => ({ ...before, url, problem, isLoading: false }))
      },
    )
    return () => {
      begun.current = undefined
      gone.abort()
    }
  }, [url, round])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      // A request that begins again each time would never end where a server takes longer to answer.
      const isWaiting = begun.current !== undefined && performance.now() - begun.current < patienceMs
      if (document.visibilityState === 'visible' && !isWaiting) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])
  useNews((news) => {
    if (news !== 'gone' && news !== 'token') reload()
  })
  const { value, problem, isLoading } = state
  return { value: state.url === url ? value : undefined, problem, isLoading, reload }
}
