/** Whatever is thrown while one client is served ends that client's connection, with one line in the log, and nothing else. */
import {
  opCode,
  openAcl,
  Reader,
  writeAddWatchRequest,
  writeCreateRequest,
  writePathWatchRequest,
  writeSetACLRequest,
  writeSetDataRequest,
} from '@lightkeeper/protocol'
import type { LogFact } from '@lightkeeper/runtime'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FourLetterWords } from '../admin/four-letter.ts'
import { Access } from '../auth/access.ts'
import { PendingChanges } from '../pipeline/pending-changes.ts'
import { Preparer } from '../pipeline/prepare.ts'
import { Reads } from '../pipeline/reads.ts'
import { type HandClient, type HandServer, handServer } from '../server.harness.ts'
import { DataTree } from '../tree/data-tree.ts'
import { Watches } from '../watch/watches.ts'
import { ClientConnection } from './client-connection.ts'
import { EventFrames } from './event-frames.ts'
import { HeldBytes } from './held-bytes.ts'

afterEach(() => void vi.restoreAllMocks())

interface Scene extends HandServer {
  readonly victim: HandClient
  readonly lines: { level: string; message: string; facts: Readonly<Record<string, LogFact>> }[]
}

const read = (client: HandClient, path = '/'): number =>
  client.send(opCode.getData, (writer) => writePathWatchRequest(writer, { path, watch: false }))
const set = (client: HandClient, path: string): number =>
  client.send(opCode.setData, (writer) => writeSetDataRequest(writer, { path, data: new Uint8Array(3), version: -1 }))
const word = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Makes a method throw whenever it is called, or for the victim's connection alone. */
function breaks<T extends object>(type: { prototype: T }, method: keyof T & string, victim?: string): void {
  const prototype = type.prototype as Record<string, (...args: unknown[]) => unknown>
  const original = prototype[method] as (...args: unknown[]) => unknown
  vi.spyOn(prototype, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
    const isOther = victim !== undefined && (this as { remote?: string }).remote !== victim
    if (isOther) return original.apply(this, args)
    throw new RangeError('Invalid typed array length: 4294967296')
  })
}

/** Where it is thrown, and what makes it so. */
const places: Record<string, (scene: Scene) => void> = {
  'a read is served'({ victim }) {
    breaks(Reads, 'getData')
    read(victim)
  },
  'a read behind a write is served'({ victim, clock }) {
    set(victim, '/shared')
    read(victim)
    breaks(Reads, 'getData')
    clock.endTurn()
  },
  'a read between two writes is served'({ victim, clock }) {
    set(victim, '/shared')
    read(victim)
    set(victim, '/shared')
    breaks(Reads, 'getData')
    clock.endTurn()
  },
  'the size of a waiting read is asked for'({ victim }) {
    victim.create('/large', 0, 'x'.repeat(5000))
    breaks(Reads, 'expectedBytes')
    set(victim, '/shared')
    read(victim)
  },
  'a write is prepared'({ victim }) {
    breaks(Preparer, 'setData')
    set(victim, '/shared')
  },
  'a multi is prepared, with half of it recorded'({ victim }) {
    breaks(Preparer, 'delete')
    victim.send(opCode.multi, (writer) => {
      writer.int(opCode.create)
      writer.boolean(false)
      writer.int(-1)
      writeCreateRequest(writer, { path: '/never', data: null, acl: openAcl, flags: 0 })
      writer.int(opCode.delete)
      writer.boolean(false)
      writer.int(-1)
      writer.ustring('/shared')
      writer.int(-1)
      writer.int(-1)
      writer.boolean(true)
      writer.int(-1)
    })
  },
  'the reply to a write is written'({ victim, clock }) {
    set(victim, '/shared')
    breaks(ClientConnection, 'wrote', victim.remote)
    clock.endTurn()
  },
  'the reply to a connect request is written'(scene) {
    // Its session is there all the same.
    breaks(ClientConnection, 'wrote', scene.victim.remote)
    scene.victim.frame((writer) => {
      writer.int(0)
      writer.long(0n)
      writer.int(10_000)
      writer.long(0n)
      writer.buffer(new Uint8Array(16))
    })
  },
  'an event is written while a write of another is applied'({ victim, dial, clock }) {
    victim.get('/shared', true)
    breaks(EventFrames, 'frame')
    const writer = dial()
    writer.connect()
    expect(writer.set('/shared', 'new').err).toBe(0)
    clock.endTurn()
  },
  'the ACL of an event is looked at'({ victim, dial, clock }) {
    const acl = [{ perms: 31, id: { scheme: 'ip', id: '10.0.0.0/24' } }]
    expect(
      victim.call(opCode.setACL, (writer) => writeSetACLRequest(writer, { path: '/shared', acl, version: -1 })).err,
    ).toBe(0)
    victim.call(opCode.addWatch, (writer) => writeAddWatchRequest(writer, { path: '/shared', mode: 0 }))
    const writer = dial()
    writer.connect()
    set(writer, '/shared')
    breaks(Access, 'allows')
    clock.endTurn()
    vi.restoreAllMocks()
    expect(writer.next().err).toBe(0)
  },
  'written bytes are passed to the link'({ victim, clock }) {
    victim.fault = (call) => {
      if (call === 'write') throw new Error('EINVAL')
    }
    read(victim)
    clock.endTurn()
  },
  'the link is paused'({ victim }) {
    victim.fault = (call) => {
      if (call === 'pause') throw new Error('EINVAL')
    }
    for (let i = 0; i < 2000; i++) set(victim, '/shared')
  },
  'the link is ended'({ victim, clock }) {
    victim.fault = (call) => {
      if (call === 'end') throw new Error('EINVAL')
    }
    victim.send(opCode.closeSession)
    clock.endTurn()
  },
  'held bytes are counted'({ victim, clock }) {
    breaks(HeldBytes, 'count')
    victim.create('/large', 0, 'x'.repeat(100_000))
    victim.isStuck = true
    read(victim, '/large')
    clock.endTurn()
  },
  'the link says that it is drained'({ victim }) {
    breaks(HeldBytes, 'count')
    victim.drain()
  },
  'a decided answer is written'({ victim }) {
    breaks(ClientConnection, 'wrote', victim.remote)
    victim.send(opCode.sasl, (writer) => writer.buffer(new Uint8Array(0)))
  },
  'an authentication is checked'({ victim }) {
    breaks(Reader, 'ustring')
    victim.send(opCode.auth, (writer) => {
      writer.int(0)
      writer.ustring('digest')
      writer.buffer(word('a:b'))
    })
  },
}

describe('a throw ends one connection', () => {
  test.each(Object.keys(places))('while %s', async (place) => {
    const lines: Scene['lines'] = []
    const hand = await handServer({}, (level, message, facts = {}) => void lines.push({ level, message, facts }))
    const bystander = hand.dial('10.0.0.2')
    bystander.connect()
    bystander.create('/shared')
    const victim = hand.dial('10.0.0.1')
    if (place !== 'the reply to a connect request is written') victim.connect()
    let stopped = false
    void hand.server.stopped.then(() => (stopped = true))

    places[place]?.({ ...hand, victim, lines })
    vi.restoreAllMocks()
    hand.clock.endTurn()

    expect(victim.isDestroyed).toBe(true)
    const failures = lines.filter(({ level }) => level === 'error')
    expect(failures.map(({ message, facts }) => [message, facts['client']])).toEqual([
      ['closing a connection: serving it failed', victim.remote],
    ])
    expect(bystander.set('/shared', 'after').err).toBe(0)
    expect(bystander.create('/another').err).toBe(0)
    expect(bystander.get('/never').err).toBe(-101)
    expect(bystander.call(opCode.ping, undefined, -2).err).toBe(0)
    // A new connection from the same place is served as ever.
    const next = hand.dial('10.0.0.1')
    next.connect()
    expect(next.create('/once-more').err).toBe(0)
    await Promise.resolve()
    expect(stopped).toBe(false)
  })

  test('while a four-letter word is answered', async () => {
    const lines: string[] = []
    const { dial } = await handServer({}, (level, message) => void lines.push(`${level} ${message}`))
    const asking = dial()
    breaks(FourLetterWords, 'answer')
    asking.raw(word('srvr'))
    vi.restoreAllMocks()
    expect(asking.isDestroyed).toBe(true)
    expect(lines.filter((line) => line.startsWith('error'))).toEqual(['error closing a connection: serving it failed'])
    expect(dial().connect().sessionId).not.toBe(0n)
  })

  test('while the end of a connection is taken note of', async () => {
    const lines: string[] = []
    const { dial } = await handServer({}, (level, message) => void lines.push(`${level} ${message}`))
    const leaving = dial()
    leaving.connect()
    breaks(Watches, 'removeSome')
    leaving.closed()
    vi.restoreAllMocks()
    expect(lines.filter((line) => line.startsWith('error'))).toEqual(['error closing a connection: serving it failed'])
    expect(dial().connect().sessionId).not.toBe(0n)
  })

  test('while a connection without a handshake is closed by its timer', async () => {
    const lines: string[] = []
    const { dial, clock } = await handServer({ sessionlessCnxnTimeout: 1000 }, (level, message) => {
      lines.push(`${level} ${message}`)
    })
    const silent = dial()
    silent.fault = (call) => {
      if (call === 'destroy') throw new Error('EINVAL')
    }
    const silentToo = dial()
    clock.advance(5000)
    expect(silentToo.isDestroyed).toBe(true)
    expect(lines.filter((line) => line.startsWith('error'))).toEqual(['error closing a connection: serving it failed'])
  })
})

describe('a broken invariant stops the replica, and says so once', () => {
  const invariants: Record<string, (scene: Omit<Scene, 'victim' | 'lines'>) => void> = {
    'a transaction is applied'({ dial }) {
      const client = dial()
      client.connect()
      breaks(DataTree, 'apply')
      set(client, '/')
    },
    'a timer closes sessions'({ dial, clock }) {
      dial().connect({ timeOut: 1000 })
      breaks(Preparer, 'closeSession')
      clock.advance(10_000)
    },
    'a timer reaps containers'({ clock }) {
      breaks(DataTree, 'reapable')
      clock.advance(120_000)
    },
    'a write is prepared, with half of it recorded'({ dial }) {
      const client = dial()
      client.connect()
      client.create('/parent')
      breaks(PendingChanges, 'create')
      client.send(opCode.create, (writer) =>
        writeCreateRequest(writer, { path: '/parent/child', data: null, acl: openAcl, flags: 0 }),
      )
    },
  }
  test.each(Object.keys(invariants))('when it breaks while %s', async (place) => {
    const errors: string[] = []
    const hand = await handServer({}, (level, message) => {
      if (level === 'error') errors.push(message)
    })
    invariants[place]?.(hand)
    hand.clock.endTurn()
    vi.restoreAllMocks()
    expect((await hand.server.stopped)?.message).toBe('Invalid typed array length: 4294967296')
    expect(errors.filter((message) => message.startsWith('Invalid'))).toHaveLength(1)
  })
})
