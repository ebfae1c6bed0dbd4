/** A server is read by its words, its admin pages and a session, and what was made wrong on it is found. */
import { connect, creatorAcl, readOnlyAcl, type ZnodePath } from '@lightkeeper/client'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { AdminPages, askWord, type DiagnosedServer, type Diagnosis, diagnose, WordRefused } from '@lightkeeper/tools'
import { describe, expect, test } from 'vitest'
import { missingAdminTarget, startAdminTarget } from '../support/admin-target.ts'
import { targetMode } from '../support/target.ts'
import { chapter, fact } from './fact.ts'

const runtime = nodeRuntime({ log: silentLog })

const at = (port: number, more: Partial<DiagnosedServer> = {}): DiagnosedServer => {
  const address = `127.0.0.1:${port}`
  const ask = (word: string): Promise<string> => askWord(runtime, address, word)
  return { address, ask, connect: () => connect(address), ...more }
}
/** What is wrong with the server. How fast the disk of this machine is just now says nothing about that. */
const named = ({ findings }: Diagnosis): string[] =>
  findings.filter(({ name }) => name !== 'slow-disk').map(({ name, severity }) => `${severity} ${name}`)

chapter('doctor', { fourLetterWords: '*' }, (c) => {
  const read = (more: Partial<Parameters<typeof diagnose>[1]> = {}): Promise<Diagnosis> =>
    diagnose([at(c.server.port)], { now: () => runtime.clock.wall(), ...more })

  fact('a new server has nothing wrong, and all that is asked is answered', async () => {
    const diagnosis = await read()
    expect(named(diagnosis)).toEqual(['note world-writable'])
    const [facts] = diagnosis.servers
    expect(facts).toMatchObject({ failure: undefined, missing: [], logFailure: undefined, mode: targetMode })
    expect(facts?.version).toMatch(/^3\.\d+\.\d+$/)
    expect(facts?.figures.get('znode_count')).toBeGreaterThan(0)
    expect(facts?.settings.get('tickTime')).toBe('2000')
    // Both are this machine's.
    expect(Math.abs(facts?.clockAheadMs ?? Number.NaN)).toBeLessThan(5_000)
    expect(diagnosis.znodes).toBeGreaterThanOrEqual(3)
  })

  fact('large znodes, many children, open znodes below protected ones and leaked watches are found', async () => {
    await using zk = await connect(`127.0.0.1:${c.server.port}`, {
      auth: [{ scheme: 'digest', credentials: 'joe:pw' }],
    })
    await zk.create('/big', new Uint8Array(900_000))
    await zk.create('/own', null, { acl: creatorAcl })
    await zk.create('/shared', null, { acl: [...creatorAcl, ...readOnlyAcl] })
    await zk.create('/shared/open')
    const wide = Array.from({ length: 300 }, (_, i): ZnodePath => `/wide/${'n'.repeat(60)}${i}`)
    await zk.create('/wide')
    await Promise.all(wide.map((path) => zk.create(path)))
    await Promise.all(Array.from({ length: 120 }, (_, i) => zk.existence(`/gone/${i}`, { watch: true })))
    const diagnosis = await read({ frameBytes: 20_000 })
    expect(named(diagnosis)).toEqual([
      'warning watches-of-missing',
      'warning large-znode',
      'warning many-children',
      'warning open-below-protected',
      'note world-writable',
      'note unreadable-znodes',
    ])
    const watches = diagnosis.findings.find(({ name }) => name === 'watches-of-missing')
    expect(watches?.evidence[0]).toMatch(/^session 0x[0-9a-f]+ of 127\.0\.0\.1:\d+: 120 of 120, such as \/gone\/\d+/)
    expect(diagnosis.findings.find(({ name }) => name === 'unreadable-znodes')?.where).toBe('/own')
    // What it read, it did not change: the connection of the reader left no znode and no watch behind.
    expect(named(await read({ frameBytes: 20_000 }))).toEqual(named(diagnosis))
    expect(named(await read({ znodesMax: 10 }))).toContain('note not-all-znodes')
  })

  fact('a port on which nobody listens is named', async () => {
    const diagnosis = await diagnose(
      [at(c.server.port), at(1, { connect: () => Promise.reject(new Error('refused')) })],
      {
        now: () => runtime.clock.wall(),
      },
    )
    expect(diagnosis.findings[0]).toMatchObject({ name: 'unreachable', where: '127.0.0.1:1' })
  })
})

describe('with admin pages alone', () => {
  const missing = missingAdminTarget()
  if (missing !== undefined) console.log(`doctor by admin pages: skipped, because ${missing}`)

  test.skipIf(missing !== undefined)('figures, settings, connections and watches come from the pages', async () => {
    await using server = await startAdminTarget('pages')
    const pages = new AdminPages(async (target, headers) => {
      const reply = await fetch(`${server.url}${target}`, { headers })
      return { status: reply.status, body: new Uint8Array(await reply.arrayBuffer()) }
    })
    const address = `127.0.0.1:${server.port}`
    const ask = (word: string): Promise<string> =>
      word === 'srvr' ? askWord(runtime, address, word) : Promise.reject(new WordRefused('not in the whitelist'))
    await using zk = await connect(address)
    await zk.existence('/later', { watch: true })
    const { servers } = await diagnose([at(server.port, { ask, pages })], { now: () => runtime.clock.wall() })
    const [facts] = servers
    expect(facts?.missing).toEqual(['ruok', 'isro', 'hash'])
    expect(facts?.figures.get('znode_count')).toBeGreaterThan(0)
    expect(facts?.settings.get('tickTime')).toBe('2000')
    expect(facts?.connections?.map(({ session }) => session)).toContain(zk.sessionId)
    expect(facts?.watches?.get(zk.sessionId)).toEqual(['/later'])
    // Pages of another server are not used.
    const other = await diagnose([at(server.port, { address: '127.0.0.1:2', ask, pages })], { now: () => 0 })
    expect(other.servers[0]?.figures.size).toBe(0)
  })
})
