import { type WatchChange, type ZnodePath, ZnodeStat } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import { CacheView, type Untold } from './view.ts'

const stat = (czxid: number, mzxid = czxid): ZnodeStat =>
  new ZnodeStat({
    czxid: BigInt(czxid),
    mzxid: BigInt(mzxid),
    pzxid: 0n,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: 0,
    numChildren: 0,
  })

function make(view: CacheView<string>, path: ZnodePath, value: string, of: ZnodeStat): void {
  const previous = view.get(path)
  const common = { path, value, stat: of, missed: 0, zxid: of.mzxid, via: 'event' } as const
  view.apply(previous === undefined ? { kind: 'created', ...common } : { kind: 'changed', ...common, previous })
}

function remove(view: CacheView<string>, path: ZnodePath): void {
  const change: WatchChange<string> = {
    kind: 'deleted',
    path,
    via: 'event',
    missed: 0,
    previous: view.get(path),
    zxid: undefined,
  }
  view.apply(change)
}

/** All changes that a reader has not got yet. */
function told(view: CacheView<string>, reader: Untold<string>): string[] {
  const all: string[] = []
  for (let change = view.next(reader); change !== undefined; change = view.next(reader)) {
    all.push(
      'path' in change ? `${change.kind} ${change.path}${'value' in change ? ` ${change.value}` : ''}` : change.kind,
    )
  }
  return all
}

test('a slow reader gets the difference, without znodes that came and went', () => {
  const view = new CacheView<string>()
  make(view, '/r', 'root', stat(1))
  const reader = view.read()
  make(view, '/r/a', '1', stat(2))
  make(view, '/r/a', '2', stat(2, 3))
  make(view, '/r/b', '1', stat(4))
  remove(view, '/r/b')
  make(view, '/r', 'changed', stat(1, 5))
  make(view, '/r', 'changed again', stat(1, 6))
  expect(told(view, reader)).toEqual(['created /r/a 2', 'changed /r changed again'])
  expect(told(view, reader)).toEqual([])
  remove(view, '/r/a')
  expect(told(view, reader)).toEqual(['deleted /r/a'])
})

test('a znode that was deleted and created again is delivered as another one', () => {
  const view = new CacheView<string>()
  make(view, '/r', 'old', stat(1))
  const reader = view.read()
  remove(view, '/r')
  make(view, '/r', 'new', stat(9))
  expect(told(view, reader)).toEqual(['deleted /r', 'created /r new'])
})

test('what a reader has not taken does not grow with what happens', () => {
  const view = new CacheView<string>()
  const reader = view.read()
  for (let i = 0; i < 1_000; i++) {
    make(view, `/r/${i}`, 'x', stat(i + 1))
    remove(view, `/r/${i}`)
  }
  expect(reader.before.size).toBe(0)
})

test('children stand by name, also those of the root and of what is not in the cache', () => {
  const view = new CacheView<string>()
  make(view, '/', 'root', stat(1))
  make(view, '/b', '', stat(2))
  make(view, '/a', '', stat(3))
  make(view, '/x/y', '', stat(4))
  expect([view.children('/'), view.children('/x'), view.children('/a')]).toEqual([['a', 'b'], ['y'], []])
  remove(view, '/a')
  expect(view.children('/')).toEqual(['b'])
})

test('an unreadable znode is delivered, and the last good value stays', () => {
  const view = new CacheView<string>()
  make(view, '/r', 'good', stat(1))
  const reader = view.read()
  const error = new TypeError('bad')
  view.apply({
    kind: 'unreadable',
    path: '/r',
    error,
    data: undefined,
    stat: stat(1, 2),
    previous: view.get('/r'),
    via: 'event',
  })
  expect(told(view, reader)).toEqual(['unreadable /r'])
  expect(view.get('/r')?.value).toBe('good')
})
