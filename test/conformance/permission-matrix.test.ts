/**
 * Who may do what: every operation, by every permission, for entries of every scheme, as every kind of caller, over plaintext and TLS;
 * watch events likewise. permissions-over-http.test.ts is the same for the admin port.
 * The expectation of each cell is computed from the rule; a fact names the cells that differ.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Acl,
  addWatchMode,
  eventType,
  type MultiOperation,
  opCode,
  openAcl,
  permission,
  readGetACLResponse,
  watcherType,
} from '@lightkeeper/protocol'
import { Authority } from '@lightkeeper/testing'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { logIn } from './sasl-client.ts'
import { aclOf, Wire } from './wire.ts'

const jaas = `Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="b" user_super="s" user_root="r"; };\n`
const keys = {
  'authProvider.1': 'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
  superUser: 'root',
}
const directory = mkdtempSync(join(tmpdir(), 'lightkeeper-matrix-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const authority = new Authority('Test Authority')
const own = authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'] })
writeFileSync(join(directory, 'server.pem'), own.key + own.cert)
writeFileSync(join(directory, 'authority.pem'), authority.cert)
const tls = {
  'ssl.keyStore.location': join(directory, 'server.pem'),
  'ssl.trustStore.location': join(directory, 'authority.pem'),
  'X509AuthenticationProvider.superUser': 'CN=root',
}
const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='
const joe = 'joe:VAXy9ajBTglP5dEFbkRFkF33wJ4='

const everyone = 'stranger joe bob sasl-super alice'
/** An entry of an ACL, and the callers whose identity it matches. */
const entries: readonly { readonly name: string; readonly of: (perms: number) => Acl; readonly matches: string }[] = [
  { name: 'world', of: (perms) => aclOf(perms, 'world', 'anyone'), matches: everyone },
  { name: 'digest', of: (perms) => aclOf(perms, 'digest', joe), matches: 'joe' },
  { name: 'ip', of: (perms) => aclOf(perms, 'ip', '127.0.0.0/8'), matches: everyone },
  { name: 'other ip', of: (perms) => aclOf(perms, 'ip', '10.0.0.0/8'), matches: '' },
  { name: 'sasl', of: (perms) => aclOf(perms, 'sasl', 'bob'), matches: 'bob sasl-super' },
  { name: 'other sasl', of: (perms) => aclOf(perms, 'sasl', 'eve'), matches: 'sasl-super' },
  { name: 'x509', of: (perms) => aclOf(perms, 'x509', 'CN=alice'), matches: 'alice' },
  { name: 'other x509', of: (perms) => aclOf(perms, 'x509', 'CN=eve'), matches: '' },
]
/** These pass every ACL. */
const supers = 'super root x509-super'
const callers = ['stranger', 'joe', 'bob', 'sasl-super', 'alice', 'super', 'root', 'x509-super'] as const
type Caller = (typeof callers)[number]
const permissions = [0, 1, 2, 4, 8, 16, 31]

interface Cell {
  readonly wire: Wire
  /** One who may do everything. */
  readonly root: Wire
  /** A znode with the ACL. */
  readonly path: string
  readonly acl: readonly Acl[]
  /** A child of it that was made for this cell, where the operation takes one away. */
  readonly child: string
  /** A name for a child that is not there. */
  readonly fresh: string
}

interface Operation {
  /** One of these bits suffices; 0 where none is needed. */
  readonly needs: number
  readonly act: (cell: Cell) => Promise<string>
  readonly takesChild?: boolean
}

const noData = new Uint8Array(0)
const codeOf = async (reply: Promise<{ readonly code: string }>): Promise<string> => (await reply).code
/** Whether a persistent watch hears of what `change` does; it is removed again. */
const hears = async ({ wire, path }: Cell, type: number, change: () => Promise<unknown>): Promise<string> => {
  await wire.watches(opCode.addWatch, path, addWatchMode.persistent)
  await change()
  const heard = await wire.heard()
  await wire.watches(opCode.removeWatches, path, watcherType.any)
  return heard.includes(`${type} ${path}`) ? 'OK' : 'NO_AUTH'
}
const alone = async (wire: Wire, operation: MultiOperation, type?: number): Promise<string> => {
  const [outcome = 'nothing'] = await wire.outcomes([operation], type)
  return outcome === 'ok' ? 'OK' : outcome
}

const operations: Readonly<Record<string, Operation>> = {
  getData: { needs: permission.read, act: ({ wire, path }) => codeOf(wire.read(opCode.getData, path)) },
  getChildren: { needs: permission.read, act: ({ wire, path }) => codeOf(wire.read(opCode.getChildren, path)) },
  getChildren2: { needs: permission.read, act: ({ wire, path }) => codeOf(wire.read(opCode.getChildren2, path)) },
  getAllChildrenNumber: {
    needs: permission.read,
    act: ({ wire, path }) => codeOf(wire.readPath(opCode.getAllChildrenNumber, path)),
  },
  'getData in a multiRead': {
    needs: permission.read,
    act: ({ wire, path }) => alone(wire, { type: opCode.getData, path, watch: false }, opCode.multiRead),
  },
  'getChildren in a multiRead': {
    needs: permission.read,
    act: ({ wire, path }) => alone(wire, { type: opCode.getChildren, path, watch: false }, opCode.multiRead),
  },
  getACL: {
    needs: permission.read | permission.admin,
    act: ({ wire, path }) => codeOf(wire.readPath(opCode.getACL, path)),
  },
  setData: { needs: permission.write, act: ({ wire, path }) => codeOf(wire.set(path)) },
  'setData in a multi': {
    needs: permission.write,
    act: ({ wire, path }) => alone(wire, { type: opCode.setData, path, data: noData, version: -1 }),
  },
  'check in a multi': {
    needs: permission.read,
    act: ({ wire, path }) => alone(wire, { type: opCode.check, path, version: -1 }),
  },
  create: { needs: permission.create, act: ({ wire, fresh }) => codeOf(wire.create(fresh)) },
  create2: { needs: permission.create, act: ({ wire, fresh }) => codeOf(wire.create(fresh, { type: opCode.create2 })) },
  createContainer: {
    needs: permission.create,
    act: ({ wire, fresh }) => codeOf(wire.create(fresh, { type: opCode.createContainer, flags: 4 })),
  },
  createTTL: {
    needs: permission.create,
    act: ({ wire, fresh }) => codeOf(wire.create(fresh, { type: opCode.createTTL, flags: 5, ttl: 3_600_000n })),
  },
  'create of an ephemeral': {
    needs: permission.create,
    act: ({ wire, fresh }) => codeOf(wire.create(fresh, { flags: 1 })),
  },
  'create in a multi': {
    needs: permission.create,
    act: ({ wire, fresh }) => alone(wire, { type: opCode.create, path: fresh, data: noData, acl: openAcl, flags: 0 }),
  },
  delete: { needs: permission.delete, takesChild: true, act: ({ wire, child }) => codeOf(wire.delete(child)) },
  'delete in a multi': {
    needs: permission.delete,
    takesChild: true,
    act: ({ wire, child }) => alone(wire, { type: opCode.delete, path: child, version: -1 }),
  },
  setACL: { needs: permission.admin, act: ({ wire, path, acl }) => codeOf(wire.setAcl(path, acl)) },
  'the event of a change of data': {
    needs: permission.read,
    act: (cell) => hears(cell, eventType.nodeDataChanged, () => cell.root.set(cell.path)),
  },
  'the event of a new child': {
    needs: permission.read,
    act: (cell) => hears(cell, eventType.nodeChildrenChanged, () => cell.root.made(cell.fresh)),
  },
  addWatch: { needs: 0, act: ({ wire, path }) => codeOf(wire.watches(opCode.addWatch, path, 0)) },
  sync: { needs: 0, act: ({ wire, path }) => codeOf(wire.readPath(opCode.sync, path)) },
  getEphemerals: { needs: 0, act: ({ wire, path }) => codeOf(wire.readPath(opCode.getEphemerals, path)) },
}

chapter('who may do what', { keys, jaas, superDigest, tls, extendedTypesEnabled: true }, (c: Chapter) => {
  const wires = new Map<Caller, Wire>()
  const nodes = new Map<string, { readonly path: string; readonly acl: readonly Acl[] }>()

  beforeAll(async () => {
    const names: Partial<Record<Caller, string>> = { alice: 'alice', 'x509-super': 'root' }
    for (const caller of callers) {
      const name = names[caller]
      if (name === undefined) {
        wires.set(caller, await c.connect({ timeOut: 40_000 }))
        continue
      }
      const wire = await Wire.secure(c.server.securePort, { ca: authority.cert, ...authority.issue({ name }) })
      await wire.handshake({ timeOut: 40_000 })
      wires.set(caller, wire)
    }
    const wire = (caller: Caller): Wire => wires.get(caller) as Wire
    await wire('joe').auth('digest', 'joe:pw')
    await wire('super').auth('digest', 'super:test')
    for (const [caller, username, password] of [
      ['bob', 'bob', 'b'],
      ['sasl-super', 'super', 's'],
      ['root', 'root', 'r'],
    ] as const) {
      expect((await logIn(wire(caller), { username, password })).isProved).toBe(true)
    }
    for (const entry of entries) {
      for (const perms of permissions) {
        const acl = [entry.of(perms)]
        nodes.set(`${entry.name} ${perms}`, { acl, path: await wire('super').made(c.unique(), { acl }) })
      }
    }
  })

  afterAll(() => {
    for (const wire of wires.values()) wire.destroy()
  })

  const has = (words: string, word: string): boolean => words.split(' ').includes(word)

  /** What differs from the rule, a line a cell. */
  async function differing({ needs, act, takesChild = false }: Operation): Promise<string[]> {
    const lines: string[] = []
    const root = wires.get('super') as Wire
    for (const entry of entries) {
      for (const perms of permissions) {
        const { path, acl } = nodes.get(`${entry.name} ${perms}`) ?? { path: '', acl: [] }
        for (const caller of callers) {
          const name = c.unique().slice(1)
          const child = `${path}/${name}`
          if (takesChild) await root.made(child)
          const wire = wires.get(caller) as Wire
          const isAllowed = needs === 0 || has(supers, caller) || ((perms & needs) !== 0 && has(entry.matches, caller))
          const expected = isAllowed ? 'OK' : 'NO_AUTH'
          const code = await act({ wire, root, path, acl, child, fresh: `${path}/${name}-new` })
          if (code !== expected) lines.push(`${entry.name} ${perms}, ${caller}: ${code}, expected ${expected}`)
        }
      }
    }
    return lines
  }

  for (const [name, operation] of Object.entries(operations)) {
    fact(`${name} asks for what it must and for nothing else`, async () => {
      expect(await differing(operation)).toEqual([])
    })
  }

  fact('exists asks for what it must and for nothing else', async () => {
    const act: Operation['act'] = ({ wire, path }) => codeOf(wire.read(opCode.exists, path))
    expect(await differing({ needs: permission.read, act })).toEqual([])
  })

  fact('an ACL is shown with its hashes to those with ADMIN, and without them to those with READ alone', async () => {
    const root = wires.get('super') as Wire
    const stranger = wires.get('stranger') as Wire
    for (const [perms, shown] of [
      [1, 'joe:x'],
      [16, joe],
      [17, joe],
    ] as const) {
      const path = await root.made(c.unique(), { acl: [aclOf(31, 'digest', joe), aclOf(perms, 'world', 'anyone')] })
      const { acl } = readGetACLResponse((await stranger.readPath(opCode.getACL, path)).body)
      expect(acl[0]?.id.id).toBe(shown)
    }
  })
})
