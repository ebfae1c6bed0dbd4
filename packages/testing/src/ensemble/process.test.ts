/** A process inside this process: it dies, stops and is cut off like a real one. */
import { type Link, type LinkEvents, type Runtime, silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { afterEach, describe, expect, test } from 'vitest'
import { Cables, clients } from './cables.ts'
import { onSockets, type Place } from './place.ts'

const places: Place[] = []
afterEach(async () => {
  for (const place of places.splice(0)) await Promise.all(place.members.map((_, i) => place.kill(i, false)))
})

async function two(cables = new Cables()): Promise<Place> {
  const place = await onSockets(2, cables, undefined)
  places.push(place)
  return place
}

const address = (place: Place, index: number): string =>
  `${place.members[index]?.host}:${place.members[index]?.electionPort}`

/** What one end of a connection has seen. */
class Seen implements LinkEvents {
  bytes = ''
  isOpen = false
  isClosed = false
  opened(): void {
    this.isOpen = true
  }
  data(chunk: Uint8Array): void {
    this.bytes += new TextDecoder().decode(chunk)
  }
  closed(): void {
    this.isClosed = true
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function until(place: Place, isSo: () => boolean): Promise<void> {
  while (!isSo()) await place.wait(1)
}

/** Long enough for what must not come to have come over the loopback. */
async function someTurns(place: Place): Promise<void> {
  for (let i = 0; i < 20; i++) await place.wait(1)
}

interface Pair {
  readonly near: Seen
  readonly far: Seen
  readonly nearLink: Link
  readonly farLink: () => Link
}

/** A connection from `from` to the port where `to` listens for members. */
async function linked(place: Place, from: Runtime, to: Runtime, index: number): Promise<Pair> {
  const far = new Seen()
  let farLink: Link | undefined
  await to.network.listen(address(place, index), (link) => {
    farLink = link
    return far
  })
  const near = new Seen()
  const nearLink = from.network.connect(address(place, index), near)
  await until(place, () => near.isOpen && farLink !== undefined)
  return { near, far, nearLink, farLink: () => farLink as Link }
}

describe('a cut', () => {
  test('holds back what both say, and delivers it when it is healed', async () => {
    const cables = new Cables()
    const place = await two(cables)
    const pair = await linked(place, place.begin(0, silentLog), place.begin(1, silentLog), 1)
    for (const [a, b] of [
      [0, 1],
      [1, 0],
    ] as const)
      cables.set(a, b, true)
    pair.nearLink.write(bytes('there'))
    pair.farLink().write(bytes('back'))
    await someTurns(place)
    expect([pair.near.bytes, pair.far.bytes]).toEqual(['', ''])
    expect(pair.nearLink.queuedBytes).toBe(5)
    cables.set(0, 1, false)
    cables.set(1, 0, false)
    await until(place, () => pair.near.bytes === 'back' && pair.far.bytes === 'there')
  })

  test('in one direction lets the other one pass', async () => {
    const cables = new Cables()
    const place = await two(cables)
    const pair = await linked(place, place.begin(0, silentLog), place.begin(1, silentLog), 1)
    cables.set(1, 0, true)
    pair.nearLink.write(bytes('there'))
    pair.farLink().write(bytes('back'))
    await until(place, () => pair.far.bytes === 'there')
    expect(pair.near.bytes).toBe('')
    cables.set(1, 0, false)
    await until(place, () => pair.near.bytes === 'back')
  })

  test('holds back the end of a connection, and opens new ones afterwards', async () => {
    const cables = new Cables()
    const place = await two(cables)
    const own = place.begin(0, silentLog)
    const pair = await linked(place, own, place.begin(1, silentLog), 1)
    cables.set(0, 1, true)
    cables.set(1, 0, true)
    pair.nearLink.destroy()
    await until(place, () => pair.near.isClosed)
    const late = new Seen()
    own.network.connect(address(place, 1), late)
    await someTurns(place)
    expect([pair.far.isClosed, late.isOpen]).toEqual([false, false])
    cables.set(0, 1, false)
    cables.set(1, 0, false)
    await until(place, () => pair.far.isClosed && late.isOpen)
  })
})

describe('a process that is stopped', () => {
  test('does nothing and keeps its connections; it goes on with timers that are due, and with what has come', async () => {
    const place = await two()
    const own = place.begin(0, silentLog)
    const pair = await linked(place, place.begin(1, silentLog), own, 0)
    const order: string[] = []
    pair.far.data = (chunk) => void order.push(new TextDecoder().decode(chunk))
    place.pause(0)
    own.clock.after(1, () => order.push('timer'))
    pair.nearLink.write(bytes('data'))
    await someTurns(place)
    expect(order).toEqual([])
    expect(pair.near.isClosed).toBe(false)
    place.resume(0)
    await until(place, () => order.length === 2)
    expect(order).toEqual(['timer', 'data'])
  })
})

describe('a process that is killed', () => {
  test('runs nothing any more; its peers see the end, and its addresses are free', async () => {
    const place = await two()
    const own = place.begin(0, silentLog)
    const pair = await linked(place, place.begin(1, silentLog), own, 0)
    let ran = 0
    own.clock.after(1, () => ran++)
    own.clock.turnEnd(() => ran++)
    void own.disk.makeDirectory('/x').then(() => ran++)
    await place.kill(0, false)
    await until(place, () => pair.near.isClosed)
    await someTurns(place)
    expect([ran, pair.far.isClosed]).toEqual([0, false])
    const next = place.begin(0, silentLog)
    const listener = await next.network.listen(address(place, 0), () => new Seen())
    await listener.close()
  })

  test('behind a cut its addresses are free at once, and its peers see the end when the cable is in again', async () => {
    const cables = new Cables()
    const place = await two(cables)
    const client = nodeRuntime()
    const own = place.begin(0, silentLog)
    const clientAddress = `${place.members[0]?.host}:${place.members[0]?.clientPort}`
    await own.network.listen(clientAddress, () => new Seen())
    const seen = new Seen()
    client.network.connect(clientAddress, seen)
    await until(place, () => seen.isOpen)
    cables.set(0, clients, true)
    await place.kill(0, false)
    const next = place.begin(0, silentLog)
    await next.network.listen(clientAddress, () => new Seen())
    expect(seen.isClosed).toBe(false)
    cables.set(0, clients, false)
    await until(place, () => seen.isClosed)
  })
})
