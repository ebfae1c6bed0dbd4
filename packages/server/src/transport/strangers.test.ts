/** Who loses its place where there is room for no more connections that have not said who they are. */
import type { Link } from '@lightkeeper/runtime'
import { beforeEach, expect, test } from 'vitest'
import { Strangers } from './strangers.ts'

let strangers: Strangers
let closed: string[]

beforeEach(() => {
  strangers = new Strangers(3)
  closed = []
})

function come(remote: string): Link {
  const link = { remote, destroy: () => void closed.push(remote) } as unknown as Link
  strangers.add(link)
  return link
}

test('the oldest one of a host that has the most', () => {
  come('b:1')
  come('a:1')
  come('a:2')
  come('c:1')
  expect(closed).toEqual(['a:1'])
  come('d:1')
  expect(closed).toEqual(['a:1', 'b:1'])
})

test('a host with very many takes no place of another one', () => {
  come('member:1')
  for (let port = 1; port <= 1_000; port++) come(`stranger:${port}`)
  expect(closed).toHaveLength(998)
  expect(closed).not.toContain('member:1')
})

test('nobody, where one of them is known or gone', () => {
  const first = come('a:1')
  come('a:2')
  come('a:3')
  strangers.remove(first)
  strangers.remove(first)
  come('a:4')
  expect(closed).toEqual([])
})
