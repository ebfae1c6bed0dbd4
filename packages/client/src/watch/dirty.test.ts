import { eventType } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { DirtyPaths } from './dirty.ts'

const { nodeCreated, nodeDataChanged, nodeDeleted, nodeChildrenChanged } = eventType
const many = 100

describe('paths with events', () => {
  test('come in the order of their first events, each once', () => {
    const dirty = new DirtyPaths()
    for (const path of ['/b', '/a', '/b'] as const) dirty.hear(nodeDataChanged, path, 1n, true, many)
    expect([dirty.size, dirty.first]).toEqual([2, '/b'])
    dirty.take('/b')
    expect([dirty.size, dirty.first]).toEqual([1, '/a'])
  })

  test('count the writes since the last read, and none of the znode that came after a deletion', () => {
    const dirty = new DirtyPaths()
    const events = [nodeDataChanged, nodeDataChanged, nodeDeleted, nodeCreated, nodeDataChanged]
    for (const [i, type] of events.entries()) dirty.hear(type, '/a', BigInt(i), true, many)
    expect(dirty.isDeleted('/a')).toBe(true)
    expect(dirty.take('/a')).toMatchObject({ writes: 2, zxid: 4n })
    expect(dirty.take('/a')).toBeUndefined()
  })

  test('promise no count where an event may have been lost before', () => {
    const dirty = new DirtyPaths()
    dirty.hear(nodeDataChanged, '/a', 1n, false, many)
    dirty.hear(nodeDataChanged, '/a', 2n, true, many)
    expect(dirty.take('/a')).toBeUndefined()
    dirty.touch('/b')
    expect([dirty.first, dirty.take('/b')]).toEqual(['/b', undefined])
  })

  test('keep a znode and its list of children apart: a list that was read leaves the znode to be read', () => {
    const dirty = new DirtyPaths()
    dirty.hear(nodeChildrenChanged, '/a', 1n, false, many)
    expect([dirty.concernsZnode('/a'), dirty.concernsList('/a')]).toEqual([false, true])
    dirty.hear(nodeDataChanged, '/a', 2n, false, many)
    dirty.takeList('/a')
    expect([dirty.size, dirty.concernsZnode('/a'), dirty.concernsList('/a')]).toEqual([1, true, false])
    dirty.hear(nodeChildrenChanged, '/b', 3n, false, many)
    dirty.takeList('/b')
    dirty.takeList('/c')
    expect(dirty.size).toBe(1)
  })

  test('are all forgotten where they become too many, but one that is known is no more than before', () => {
    const dirty = new DirtyPaths()
    expect(dirty.hear(nodeDataChanged, '/a', 1n, true, 2)).toBe(true)
    expect(dirty.hear(nodeDataChanged, '/b', 2n, true, 2)).toBe(true)
    expect(dirty.hear(nodeDataChanged, '/a', 3n, true, 2)).toBe(true)
    expect(dirty.hear(nodeDataChanged, '/c', 4n, true, 2)).toBe(false)
    expect([dirty.size, dirty.first]).toEqual([0, undefined])
  })
})
