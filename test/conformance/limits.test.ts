/** Limits that Apache has too (server-semantics §12), and what it does wrong that is not copied (§19). */
import { createConnection } from 'node:net'
import { opCode } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { chapter, fact } from './fact.ts'
import { aclOf, Wire } from './wire.ts'

/** A new connection with a session; undefined for one that was closed without an answer. */
async function dial(port: number): Promise<Wire | undefined> {
  const wire = await Wire.open(port).catch(() => undefined)
  if ((await wire?.handshake().catch(() => undefined)) !== undefined) return wire
  wire?.destroy()
  return undefined
}

/** A connection that ended is counted until the server has seen its end. */
async function served(port: number): Promise<Wire> {
  for (;;) {
    const wire = await dial(port)
    if (wire !== undefined) return wire
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const isAlive = async (wire: Wire): Promise<boolean> => (await wire.read(opCode.exists, '/')).code === 'OK'

chapter('connections of one address', { maxClientCnxns: 3 }, (c) => {
  fact('more than maxClientCnxns are closed without an answer, and the others go on', async () => {
    const others = [await served(c.server.port), await served(c.server.port)]
    expect(await dial(c.server.port)).toBe(undefined)
    for (const each of [c.wire, ...others]) expect(await isAlive(each)).toBe(true)
    await others[0]?.close()
    const next = await served(c.server.port)
    for (const each of [next, others[1]]) await each?.close()
  })
  fact('a connection that says nothing counts too', async () => {
    const other = await served(c.server.port)
    const silent = createConnection(c.server.port, '127.0.0.1')
    for (let more = await dial(c.server.port); more !== undefined; more = await dial(c.server.port)) await more.close()
    silent.destroy()
    for (const each of [await served(c.server.port), other]) await each.close()
  })
})

chapter('connections in all', { maxCnxns: 2 }, (c) => {
  fact('more than maxCnxns are closed without an answer', async () => {
    const other = await served(c.server.port)
    expect(await dial(c.server.port)).toBe(undefined)
    expect(await isAlive(c.wire)).toBe(true)
    await other.close()
    await (await served(c.server.port)).close()
  })
})

chapter('requests on their way', { globalOutstandingLimit: 1 }, (c) => {
  fact('above globalOutstandingLimit everything is served all the same, and in order', async () => {
    const other = await c.connect()
    const [first, second] = [c.unique(), c.unique()]
    await c.wire.made(first)
    await c.wire.made(second)
    const set = (wire: Wire, path: string): number =>
      wire.send(opCode.setData, (writer) => {
        writer.ustring(path)
        writer.buffer(new Uint8Array(10))
        writer.int(-1)
      })
    const sent = [first, second].map((path, i) => {
      const wire = i === 0 ? c.wire : other
      return { wire, xids: Array.from({ length: 200 }, () => set(wire, path)) }
    })
    for (const { wire, xids } of sent) {
      for (const xid of xids) expect(await wire.reply()).toMatchObject({ xid, code: 'OK' })
    }
    expect((await c.wire.stat(first)).version).toBe(200)
  })
})

chapter('connections without a session', { sessionlessCnxnTimeout: 500 }, (c) => {
  fact('a connection that says nothing is closed', async () => {
    const wire = await Wire.open(c.server.port)
    expect(await wire.closes()).toBe(true)
  })
  fact('a connection that breaks off inside its first frame is closed', async () => {
    const wire = await Wire.open(c.server.port)
    wire.raw(Uint8Array.of(0, 0, 0, 44, 0, 0))
    expect(await wire.closes()).toBe(true)
  })
  fact('a connection with a session stays', async () => {
    const idle = await Wire.open(c.server.port)
    expect(await idle.closes()).toBe(true)
    expect((await c.wire.read(opCode.exists, '/')).code).toBe('OK')
  })
})

chapter('where Apache errs', {}, (c) => {
  fact('an ACL of world with a null id is INVALID_ACL', async () => {
    const path = await c.wire.made(c.unique())
    const reply = await c.wire.call(opCode.setACL, (writer) => {
      writer.ustring(path)
      writer.int(1)
      writer.int(31)
      writer.ustring('world')
      writer.ustring(null)
      writer.int(-1)
    })
    expect(reply.code).toBe('INVALID_ACL')
    expect((await c.wire.setAcl(path, [aclOf(31, 'world', 'anyone')])).code).toBe('OK')
  })
  fact('a multiRead that cannot be read is answered by a header alone', async () => {
    const reply = await c.wire.call(opCode.multiRead, (writer) => {
      writer.int(opCode.getData)
      writer.boolean(false)
      writer.int(-1)
      writer.int(1_000_000)
    })
    expect([reply.code, reply.body.remaining]).toEqual(['MARSHALLING_ERROR', 0])
  })
  fact('the reply to an auth packet stands in its place among the others', async () => {
    const wire = await c.connect()
    const path = c.unique()
    wire.send(opCode.create, (writer) => {
      writer.ustring(path)
      writer.buffer(null)
      writer.int(1)
      writer.int(31)
      writer.ustring('world')
      writer.ustring('anyone')
      writer.int(0)
    })
    wire.send(
      opCode.auth,
      (writer) => {
        writer.int(0)
        writer.ustring('digest')
        writer.buffer(new TextEncoder().encode('alice:secret'))
      },
      -4,
    )
    const order = [(await wire.reply()).xid, (await wire.reply()).xid]
    expect(order.at(-1)).toBe(-4)
  })
  fact('a session may own 20,100 ephemerals', async () => {
    const wire = await c.connect()
    const parent = await wire.made(c.unique())
    for (let batch = 0; batch < 201; batch++) {
      const creates = Array.from({ length: 100 }, (_, i) => ({
        type: opCode.create,
        path: `${parent}/${batch}-${i}`,
        data: null,
        acl: [aclOf(31, 'world', 'anyone')],
        flags: 1,
      }))
      expect([batch, ...new Set(await wire.outcomes(creates))]).toEqual([batch, 'ok'])
    }
    await wire.close()
  })
})
