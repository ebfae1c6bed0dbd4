import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfLevels, bytesOfWatch, WatchTable, watchMode } from './watch-table.ts'

/** A watcher of the model: what it watches, and in which modes. */
class Modelled {
  watchCount = 0
  watchBytes = 0
  readonly modes = new Map<string, number>()
}

// Clients may watch what is no path, too: the empty one is above none.
const paths = ['/', '/a', '/a/b', '/a/b/c', '/d', '', 'x']
const modes = Object.values(watchMode)
const step = fc.record({
  what: fc.constantFrom('add', 'remove', 'removeAll', 'trigger', 'leave'),
  path: fc.constantFrom(...paths),
  who: fc.nat(2),
  mode: fc.constantFrom(...modes),
})

/** Whether a change of `path` reaches a recursive watch of `watched`. */
const isBelow = (path: string, watched: string): boolean =>
  path === watched || (path.startsWith('/') && (watched === '/' || (watched !== '' && path.startsWith(`${watched}/`))))

describe('a table of watches', () => {
  test('knows who watches what, in which mode, and what it takes, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const total = { bytes: 0 }
        const table = new WatchTable<Modelled>(total)
        const watchers = [new Modelled(), new Modelled(), new Modelled()] as const
        for (const { what, path, who, mode } of steps) {
          const watcher = watchers[who] as Modelled
          const held = watcher.modes.get(path) ?? 0
          const lower = (from: Modelled, at: string, taken: number): void => {
            const left = (from.modes.get(at) ?? 0) & ~taken
            if (left === 0) from.modes.delete(at)
            else from.modes.set(at, left)
          }
          switch (what) {
            case 'add':
              table.add(path, watcher, mode)
              watcher.modes.set(path, held | mode)
              break
            case 'remove':
              expect(table.remove(path, watcher, mode)).toBe((held & mode) !== 0)
              lower(watcher, path, mode)
              break
            case 'removeAll':
              expect(table.remove(path, watcher, 0)).toBe(held !== 0)
              lower(watcher, path, held)
              break
            case 'trigger': {
              const expected = watchers.filter((each) =>
                [...each.modes].some(
                  ([watched, bits]) =>
                    watched === path || ((bits & watchMode.recursive) !== 0 && isBelow(path, watched)),
                ),
              )
              expect(table.reach(path)).toBeGreaterThanOrEqual(expected.length)
              expect(new Set(table.trigger(path) ?? [])).toEqual(new Set(expected))
              for (const each of watchers) lower(each, path, watchMode.oneShot)
              break
            }
            case 'leave':
              while (table.removeSome(watcher, 1) <= 0);
              watcher.modes.clear()
          }
          const pairs = watchers.flatMap((each) => [...each.modes].map(([at, bits]) => ({ each, at, bits })))
          expect(table.size).toBe(pairs.length)
          expect(table.pathCount).toBe(new Set(pairs.map(({ at }) => at)).size)
          expect(table.watcherCount).toBe(watchers.filter((each) => each.modes.size > 0).length)
          expect(total.bytes).toBe(watchers.reduce((sum, each) => sum + each.watchBytes, 0))
          for (const each of watchers) {
            expect(each.watchCount).toBe(each.modes.size)
            let bytes = 0
            for (const [at, bits] of each.modes) {
              bytes += bytesOfWatch(at) + ((bits & watchMode.recursive) === 0 ? 0 : bytesOfLevels(at))
              for (const one of modes) expect(table.has(at, each, one)).toBe((bits & one) !== 0)
            }
            expect(each.watchBytes).toBe(bytes)
            expect([...(table.byWatcher().get(each) ?? [])].sort()).toEqual([...each.modes.keys()].sort())
          }
          for (const [at, who] of table.byPath()) {
            expect(new Set(who)).toEqual(new Set(watchers.filter((each) => each.modes.has(at))))
          }
        }
      }),
    )
  })

  test('is wide while a path has many watchers, and until it is empty', () => {
    const table = new WatchTable<Modelled>()
    const watchers = Array.from({ length: 3 }, () => new Modelled())
    for (const watcher of watchers) table.add('/a', watcher, watchMode.oneShot)
    expect(table.widest).toBe(3)
    table.trigger('/a')
    expect(table.widest).toBe(0)
  })
})
