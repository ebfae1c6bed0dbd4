/** Which events a server writes about what its clients do; test/conformance compares them with those of Apache. */
import { opCode, openAcl, writeDeleteRequest, writeMultiRequest } from '@lightkeeper/protocol'
import type { LogFact } from '@lightkeeper/runtime'
import { describe, expect, test } from 'vitest'
import { type HandServer, handServer } from '../server.harness.ts'

type Line = Record<string, LogFact>

async function audited(): Promise<HandServer & { readonly lines: Line[]; taken(): string[] }> {
  const lines: Line[] = []
  const hand = await handServer({ auditEnabled: true, enforceQuota: true }, (_level, message, facts) => {
    if (message === 'audit') lines.push({ ...facts })
  })
  return {
    ...hand,
    lines,
    taken: () => lines.splice(0).map(({ operation, znode, result }) => `${operation} ${znode ?? '-'} ${result}`),
  }
}

describe('an audit log', () => {
  test('says who did what from where', async () => {
    const { dial, lines } = await audited()
    lines.length = 0
    const client = dial('10.0.0.7')
    const { sessionId } = client.connect()
    client.create('/a', 3)
    expect(lines).toEqual([
      {
        session: `0x${sessionId.toString(16)}`,
        user: '10.0.0.7',
        ip: '10.0.0.7',
        operation: 'create',
        znode: '/a0000000000',
        znode_type: 'ephemeral_sequential',
        acl: undefined,
        result: 'success',
      },
    ])
  })

  test('has a line for each operation of a multi, and one for a multi that failed', async () => {
    const { dial, taken } = await audited()
    const client = dial()
    client.connect()
    taken()
    const create = (path: string) => ({ type: opCode.create, path, data: null, acl: openAcl, flags: 0 }) as const
    client.call(opCode.multi, (writer) =>
      writeMultiRequest(writer, [create('/a'), { type: opCode.delete, path: '/a', version: -1 }]),
    )
    client.call(opCode.multi, (writer) => writeMultiRequest(writer, [create('/b'), create('/b')]))
    expect(taken()).toEqual(['create /a success', 'delete /a success', 'multiOperation - failure'])
  })

  test('names the server’s user where the server acts by itself', async () => {
    const { dial, clock, lines } = await audited()
    const user = lines[0]?.['user']
    expect(lines[0]).toMatchObject({ operation: 'serverStart', result: 'success' })
    const client = dial()
    client.connect({ timeOut: 2_000 })
    client.create('/e', 1)
    client.call(opCode.createContainer, (writer) => {
      writer.ustring('/c')
      writer.buffer(null)
      writer.vector(openAcl, (each, acl) => {
        each.int(acl.perms)
        each.ustring(acl.id.scheme)
        each.ustring(acl.id.id)
      })
      writer.int(4)
    })
    client.create('/c/x')
    client.call(opCode.delete, (writer) => writeDeleteRequest(writer, { path: '/c/x', version: -1 }))
    lines.length = 0
    clock.advance(120_000)
    expect(lines.map(({ operation, znode, user, ip }) => [operation, znode, user, ip])).toEqual([
      ['ephemeralZNodeDeletionOnSessionCloseOrExpire', '/e', user, undefined],
      ['delete', '/c', user, undefined],
    ])
  })

  test('holds nothing of requests that are over', async () => {
    const { dial, lines } = await audited()
    const client = dial()
    client.connect()
    client.create('/a')
    client.create('/a')
    client.call(opCode.create, (writer) => writer.int(-5))
    const last = lines.at(-1)
    expect(last).toMatchObject({ operation: 'create', znode: '/a', result: 'failure' })
  })

  test('is off unless it is asked for', async () => {
    const lines: string[] = []
    const { dial } = await handServer({}, (_level, message) => void lines.push(message))
    const client = dial()
    client.connect()
    client.create('/a')
    expect(lines).not.toContain('audit')
  })
})
