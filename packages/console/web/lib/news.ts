/** What concerns the whole page: the gateway went away or is back, a token is needed or was given, something was written. */
import { useEffect } from 'preact/hooks'

export type News = 'gone' | 'back' | 'token' | 'token given' | 'written'

const listeners = new Set<(news: News) => void>()
let isGone = false

export function emit(news: News): void {
  // `back` is news only after `gone`.
  if (news === 'back' && !isGone) return
  if (news === 'gone') isGone = true
  if (news === 'back') isGone = false
  for (const listener of [...listeners]) listener(news)
}

export function useNews(listener: (news: News) => void): void {
  useEffect(() => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  })
}
