/** The audit log: which operations have a line, with which fields, in which order (AuditHelper.java, AuditEvent.java). */
import { type MultiOperation, opCode, openAcl } from '@lightkeeper/protocol'
import { expect } from 'vitest'
import { type Chapter, chapter, fact } from './fact.ts'
import { aclOf, type Wire } from './wire.ts'

const create = (path: string, flags = 0): MultiOperation => ({
  type: opCode.create,
  path,
  data: null,
  acl: openAcl,
  flags,
})

chapter('the audit log', { audit: true, extendedTypesEnabled: true, containerCheckMs: 300 }, (c) => {
  /** Makes a znode and waits for its line: the lines of what was done before are there then. Returns its path. */
  const written = async (): Promise<string> => {
    const path = await c.wire.made(c.unique())
    while (!auditLines(c).some((line) => line.includes(`znode=${path}\t`))) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return path
  }
  /** The fields of the lines that `work` leads to, with the names `S` and `server` for the session and the server's user. */
  const lines = async (wire: Wire, work: () => Promise<unknown>): Promise<string[]> => {
    await written()
    const before = auditLines(c).length
    await work()
    const end = await written()
    const own = `0x${wire.sessionId.toString(16)}`
    const user = serverUser(c)
    return auditLines(c)
      .slice(before)
      .filter((line) => !line.includes(`znode=${end}\t`))
      .map((line) => line.replace(`session=${own}\t`, 'session=S\t').replace(`user=${user}\t`, 'user=server\t'))
      .map((line) => line.replaceAll('\t', ' '))
  }
  const by = 'session=S user=127.0.0.1 ip=127.0.0.1'

  fact('a start of the server has a line with its user alone', async () => {
    expect(auditLines(c)[0]).toMatch(/^user=[^\t]+\toperation=serverStart\tresult=success$/)
  })
  for (const [type, flags] of [
    ['persistent', 0],
    ['ephemeral', 1],
    ['persistent_sequential', 2],
    ['ephemeral_sequential', 3],
  ] as const) {
    fact(`a create of a ${type} znode`, async () => {
      const path = c.unique()
      let made = ''
      const said = await lines(c.wire, async () => {
        made = await c.wire.made(path, { flags })
      })
      expect(said).toEqual([`${by} operation=create znode=${made} znode_type=${type} result=success`])
    })
  }
  fact('a create of a container', async () => {
    const path = c.unique()
    const said = await lines(c.wire, () => c.wire.made(path, { type: opCode.createContainer, flags: 4 }))
    expect(said).toEqual([`${by} operation=create znode=${path} znode_type=container result=success`])
  })
  fact('the audit line of a TTL znode', async () => {
    const path = c.unique()
    const said = await lines(c.wire, () => c.wire.made(path, { type: opCode.createTTL, flags: 5, ttl: 600_000n }))
    expect(said).toEqual([`${by} operation=create znode=${path} znode_type=persistent_with_ttl result=success`])
  })
  fact('a create that is refused has the path that was asked for', async () => {
    const path = await c.wire.made(c.unique())
    const said = await lines(c.wire, async () => {
      await c.wire.create(path, { type: opCode.create2 })
      await c.wire.create(`${path}/missing/a-`, { flags: 2 })
    })
    expect(said).toEqual([
      `${by} operation=create znode=${path} znode_type=persistent result=failure`,
      `${by} operation=create znode=${path}/missing/a- znode_type=persistent_sequential result=failure`,
    ])
  })
  fact('setData, setACL and delete, done and refused', async () => {
    const path = await c.wire.made(c.unique())
    const said = await lines(c.wire, async () => {
      await c.wire.set(path, 'secret data')
      await c.wire.set(path, 'secret data', 9)
      await c.wire.setAcl(path, [aclOf(31, 'world', 'anyone')])
      await c.wire.setAcl(path, [aclOf(1, 'world', 'anyone')], 9)
      await c.wire.delete(path, 9)
      await c.wire.delete(path)
    })
    expect(said).toEqual([
      `${by} operation=setData znode=${path} result=success`,
      `${by} operation=setData znode=${path} result=failure`,
      `${by} operation=setAcl znode=${path} acl=world:anyone:cdrwa result=success`,
      `${by} operation=setAcl znode=${path} acl=world:anyone:r result=failure`,
      `${by} operation=delete znode=${path} result=failure`,
      `${by} operation=delete znode=${path} result=success`,
    ])
  })
  fact('each operation of a multi but check has a line, and no line has the kind of a sequential znode', async () => {
    const path = await c.wire.made(c.unique())
    const said = await lines(c.wire, () =>
      c.wire.multi([
        create(`${path}/a`, 1),
        create(`${path}/b-`, 2),
        { type: opCode.check, path, version: -1 },
        { type: opCode.setData, path, data: null, version: -1 },
        { type: opCode.delete, path: `${path}/a`, version: -1 },
      ]),
    )
    expect(said).toEqual([
      `${by} operation=create znode=${path}/a znode_type=ephemeral result=success`,
      `${by} operation=create znode=${path}/b-0000000001 result=success`,
      `${by} operation=setData znode=${path} result=success`,
      `${by} operation=delete znode=${path}/a result=success`,
    ])
  })
  fact('a multi that failed has one line', async () => {
    const path = await c.wire.made(c.unique())
    const said = await lines(c.wire, () => c.wire.multi([create(`${path}/a`), create(`${path}/a`)]))
    expect(said).toEqual([`${by} operation=multiOperation result=failure`])
  })
  fact('reads and syncs have none', async () => {
    const path = await c.wire.made(c.unique())
    const said = await lines(c.wire, async () => {
      await c.wire.data(path)
      await c.wire.children(path)
      await c.wire.readPath(opCode.sync, path)
      await c.wire.read(opCode.getData, `${path}/missing`)
    })
    expect(said).toEqual([])
  })
  fact('a reconfig that is refused', async () => {
    const said = await lines(c.wire, () =>
      c.wire.call(opCode.reconfig, (writer) => {
        writer.ustring(null)
        writer.ustring(null)
        writer.ustring(null)
        writer.long(-1n)
      }),
    )
    expect(said).toEqual([`${by} operation=reconfig result=failure`])
  })
  fact('the user is all names of the client, without what proves them', async () => {
    const other = await c.connect()
    await other.auth('digest', 'alice:secret')
    const [line = ''] = await lines(other, () => other.made(c.unique()))
    expect(line).not.toContain('secret')
    // Apache writes them in the order of a hash table.
    expect(/ user=(\S+) /.exec(line)?.[1]?.split(',').sort()).toEqual(['127.0.0.1', 'alice'])
  })
  fact('ephemerals that go with their session have a line with the server’s user', async () => {
    const other = await c.connect()
    const path = c.unique()
    await other.made(path, { flags: 1 })
    const said = await lines(other, () => other.close())
    expect(said.slice(-1)).toEqual([
      `session=S user=server operation=ephemeralZNodeDeletionOnSessionCloseOrExpire znode=${path} result=success`,
    ])
  })
  fact('a container that is reaped has a line with the server’s user', async () => {
    const path = await c.wire.made(c.unique(), { type: opCode.createContainer, flags: 4 })
    const said = await lines(c.wire, async () => {
      await c.wire.made(`${path}/a`)
      await c.wire.delete(`${path}/a`)
      while ((await c.wire.read(opCode.exists, path)).code === 'OK')
        await new Promise((resolve) => setTimeout(resolve, 20))
    })
    expect(said.at(-1)).toBe(`user=server operation=delete znode=${path} result=success`)
  })
  fact('an ACL of two entries is written with a comma and without hashes', async () => {
    const path = await c.wire.made(c.unique())
    const acl = [aclOf(31, 'world', 'anyone'), aclOf(1, 'digest', 'alice:vXfvlWGJtvMO6P9L7nCkKBJ2oWM=')]
    const said = await lines(c.wire, () => c.wire.setAcl(path, acl))
    expect(said).toEqual([
      `${by} operation=setAcl znode=${path} acl=world:anyone:cdrwa,digest:alice:x:r result=success`,
    ])
  })
  fact('a line stays one line whatever the path of a refused request holds', async () => {
    const said = await lines(c.wire, () => c.wire.create('/a\nuser=b', {}))
    expect(said).toEqual([`${by} operation=create znode=/a\\u000auser=b znode_type=persistent result=failure`])
  })
})

function serverUser(c: Chapter): string {
  return /^user=([^\t]+)\t/.exec(auditLines(c)[0] ?? '')?.[1] ?? ''
}

function auditLines(c: Chapter): string[] {
  return c.server.auditLines?.() ?? []
}
