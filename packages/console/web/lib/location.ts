/** The address of the page: every view has one, with what it shows. */
import { useEffect, useState } from 'preact/hooks'
import { address } from './api.ts'

export interface Place {
  /** `tree`, `changes`… */
  readonly view: string
  readonly query: Readonly<Record<string, string>>
}

type Query = Readonly<Record<string, string | undefined>>

function now(): Place {
  return {
    view: location.pathname.slice(1) || 'tree',
    query: Object.fromEntries(new URLSearchParams(location.search)),
  }
}

export function placeOf(view: string, query: Query = {}): string {
  return address(`/${view}`, query)
}

const changed = new EventTarget()

export function go(view: string, query: Query = {}, replaces = false): void {
  const url = placeOf(view, query)
  if (url === location.pathname + location.search) return
  if (replaces) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  changed.dispatchEvent(new Event('change'))
}

export function usePlace(): Place {
  const [place, setPlace] = useState(now)
  useEffect(() => {
    const update = (): void => setPlace(now())
    addEventListener('popstate', update)
    changed.addEventListener('change', update)
    return () => {
      removeEventListener('popstate', update)
      changed.removeEventListener('change', update)
    }
  }, [])
  return place
}
