/** Questions to the gateway, and its streams. Every failure is an `ApiProblem` with a sentence for people. */
import type { Problem, SearchLine, StreamEvent, Znode } from '../../src/api.ts'
import { emit } from './news.ts'

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: string
  /** For BAD_VERSION: the znode as it is now. */
  readonly current: Znode | undefined

  constructor({ code, message, current }: Problem) {
    super(message)
    this.code = code
    this.current = current
  }
}

const tokenKey = 'lightkeeper-token'

/** Takes the token out of the address, where it must not stay: addresses are copied and kept. */
export function takeToken(): void {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (token === undefined) return
  sessionStorage.setItem(tokenKey, decodeURIComponent(token))
  history.replaceState(null, '', location.pathname + location.search)
}

/** Streams that wait for a token. */
let waiting: (() => void)[] = []

export function giveToken(token: string): void {
  sessionStorage.setItem(tokenKey, token)
  for (const go of waiting.splice(0)) go()
  emit('token given')
}

export function hasToken(): boolean {
  return sessionStorage.getItem(tokenKey) !== null
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey)
  return token === null ? more : { ...more, authorization: `Bearer ${token}` }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiProblem({ code: 'GONE', message: 'The console does not answer. Is its process still running?' })
  }
  if (response.ok) return response
  const text = await response.text()
  let problem: Problem
  try {
    problem = JSON.parse(text) as Problem
  } catch {
    problem = { code: 'FAILED', message: `The console answered with ${response.status}.` }
  }
  if (problem.code === 'TOKEN') emit('token')
  throw new ApiProblem(problem)
}

/** An address with a query, without the parts that are undefined. */
export function address(
  path: string,
  query: Readonly<Record<string, string | number | readonly string[] | undefined>> = {},
): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) search.append(name, each)
  }
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

export async function ask<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await send(url, { headers: headers(), ...(signal !== undefined && { signal }) })
  return (await response.json()) as T
}

export async function write<T>(method: 'POST' | 'PUT' | 'DELETE', url: string, body: object): Promise<T> {
  const response = await send(url, {
    method,
    headers: headers({ 'content-type': 'application/json' }),
    body: JSON.stringify(body),
  })
  return (await response.json()) as T
}

/** How long it waits before a lost stream is opened again, milliseconds. */
const againMs = 1_000

/**
 * Follows a stream until `signal` aborts, and opens it again when it is lost. `onEvent` gets `gone` when the gateway does not answer.
 * A refusal that would come again, for a path that cannot be followed for example, ends it.
 */
export async function follow(
  url: string,
  onEvent: (event: StreamEvent | { readonly kind: 'gone' }) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const response = await send(url, { headers: headers(), signal })
      emit('back')
      for await (const line of linesOf(response)) {
        if (!line.startsWith('data: ')) continue
        const event = JSON.parse(line.slice(6)) as StreamEvent
        onEvent(event)
        if (event.kind === 'failed' && event.problem.code === 'WRONG') return
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiProblem && error.code !== 'GONE') {
        onEvent({ kind: 'failed', problem: { code: error.code, message: error.message } })
        if (error.code === 'WRONG') return
        if (error.code === 'TOKEN') {
          await new Promise<void>((resolve) => {
            waiting.push(resolve)
            signal.addEventListener('abort', () => resolve())
          })
          if (signal.aborted) return
          continue
        }
      }
    }
    if (signal.aborted) return
    onEvent({ kind: 'gone' })
    emit('gone')
    await new Promise((resolve) => setTimeout(resolve, againMs))
    if (signal.aborted) return
  }
}

export async function search(
  query: { readonly path: string; readonly text: string; readonly in: 'name' | 'data' },
  onLine: (line: SearchLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await send(address('/api/search', query), { headers: headers(), signal })
  for await (const line of linesOf(response)) {
    if (line === '') continue
    const value = JSON.parse(line) as SearchLine | { kind: 'failed'; problem: Problem }
    if (value.kind === 'failed') throw new ApiProblem(value.problem)
    onLine(value)
  }
}

async function* linesOf(response: Response): AsyncGenerator<string, void, void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) return
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}
