import type { Client } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { type Term, termsOf } from './term.ts'

const zk = { state: { kind: 'connected' } } as Client

/** A term that counts how often it is asked to end. */
function countedTerm(): { readonly term: Term; readonly resigned: () => number } {
  let resigned = 0
  const term = { resign: async () => void resigned++ } as unknown as Term
  return { term, resigned: () => resigned }
}

test('a term that begins while the signal aborts is not given out: it resigns', async () => {
  const stop = new AbortController()
  const { term, resigned } = countedTerm()
  const begin = async (): Promise<Term> => {
    // It runs before those who wait for the term.
    queueMicrotask(() => stop.abort())
    return term
  }
  expect(await termsOf(zk, stop.signal, begin).next()).toEqual({ done: true, value: undefined })
  expect(resigned()).toBe(1)
})

test('a term that was given out resigns when the signal aborts, before its step has ended', async () => {
  const stop = new AbortController()
  const { term, resigned } = countedTerm()
  const terms = termsOf(zk, stop.signal, async () => term)
  expect(await terms.next()).toEqual({ done: false, value: term })
  expect(resigned()).toBe(0)
  stop.abort()
  expect(resigned()).toBe(1)
  expect(await terms.next()).toEqual({ done: true, value: undefined })
})
