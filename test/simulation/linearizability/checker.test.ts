/** The search itself, on histories that one can read. */
import { describe, expect, test } from 'vitest'
import { type Answer, type Call, explain, type Step } from '../../linearizability/checker.ts'

const begin = new Map([
  ['/a', { value: 'begin', version: 0 }],
  ['/b', { value: 'begin', version: 0 }],
])

let client = 0
function call(from: number, to: number, steps: Step | readonly Step[], answer: Answer): Call {
  return { client: ++client, steps: [steps].flat(), from, to, answer }
}

const set = (value: string, path = '/a'): Step => ({ kind: 'set', path, value })
const read: Step = { kind: 'read', path: '/a' }
const says = (value: string, version: number): Answer => ({ kind: 'done', states: [{ value, version }] })
const unknown: Answer = { kind: 'unknown' }

describe('is explained', () => {
  test.each<[string, readonly Call[]]>([
    ['one call behind the other', [call(1, 2, set('x'), says('x', 1)), call(3, 4, read, says('x', 1))]],
    ['a read that overlaps a write, and sees it', [call(1, 4, set('x'), says('x', 1)), call(2, 3, read, says('x', 1))]],
    ['or does not', [call(1, 4, set('x'), says('x', 1)), call(2, 3, read, says('begin', 0))]],
    [
      'two writes in the order that their versions say',
      [call(1, 4, set('x'), says('x', 2)), call(2, 3, set('y'), says('y', 1)), call(5, 6, read, says('x', 2))],
    ],
    ['a write with an unknown outcome that happened', [call(1, 2, set('x'), unknown), call(3, 4, read, says('x', 1))]],
    ['much later', [call(1, 2, set('x'), unknown), call(3, 4, read, says('begin', 0)), call(5, 6, read, says('x', 1))]],
    ['or never', [call(1, 2, set('x'), unknown), call(3, 4, read, says('begin', 0))]],
    [
      'a transaction as a whole',
      [
        call(1, 4, [set('x'), set('x', '/b')], {
          kind: 'done',
          states: [
            { value: 'x', version: 1 },
            { value: 'x', version: 1 },
          ],
        }),
        call(2, 3, read, says('begin', 0)),
        call(5, 6, { kind: 'read', path: '/b' }, says('x', 1)),
      ],
    ],
    [
      'a refused create beside a delete',
      [
        call(1, 2, { kind: 'create', path: '/a', value: 'x' }, { kind: 'refused', why: 'NODE_EXISTS', at: 0 }),
        call(3, 6, { kind: 'delete', path: '/a' }, { kind: 'done', states: [undefined] }),
        call(4, 5, { kind: 'create', path: '/a', value: 'y' }, says('y', 0)),
      ],
    ],
  ])('%s', (_what, calls) => {
    expect(explain(calls, begin)).toBeUndefined()
  })
})

describe('is not explained', () => {
  test.each<[string, readonly Call[]]>([
    [
      'an acknowledged write that is not read',
      [call(1, 2, set('x'), says('x', 1)), call(3, 4, read, says('begin', 0))],
    ],
    [
      'a value that comes back',
      [
        call(1, 2, set('x'), says('x', 1)),
        call(3, 4, set('y'), says('y', 2)),
        call(5, 6, read, says('y', 2)),
        call(7, 8, read, says('x', 1)),
      ],
    ],
    ['a version that was given twice', [call(1, 4, set('x'), says('x', 1)), call(2, 3, set('y'), says('y', 1))]],
    [
      'a write that is seen, and then never was',
      [call(1, 2, set('x'), unknown), call(3, 4, read, says('x', 1)), call(5, 6, read, says('begin', 0))],
    ],
    [
      'half a transaction',
      [
        call(1, 2, [set('x'), set('x', '/b')], unknown),
        call(3, 4, read, says('x', 1)),
        call(5, 6, { kind: 'read', path: '/b' }, says('begin', 0)),
      ],
    ],
    [
      'a refusal without a reason',
      [call(1, 2, { kind: 'delete', path: '/a', version: 0 }, { kind: 'refused', why: 'BAD_VERSION', at: 0 })],
    ],
  ])('%s', (_what, calls) => {
    expect(explain(calls, begin)).toMatch(/none of these can be next/)
  })
})
