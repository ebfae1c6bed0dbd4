/** Our client on the real thing: one server that is killed and comes back, and an ensemble of three that loses a member. */
import { connect, KeeperError } from '@lightkeeper/client'
import { apache, apacheAvailable } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'

const versions = ['3.8', '3.9'] as const

for (const version of versions) {
  const found = apacheAvailable(version)
  if (!found.available) {
    if (process.env['INTEROP'] === 'require' && version === '3.8')
      throw new Error(`Apache ${version} is required: ${found.reason}`)
    console.log(`our client on Apache ${version}: skipped, because ${found.reason}`)
  }
  describe.skipIf(!found.available)(`our client on Apache ${version}`, () => {
    test('keeps its session, its ephemeral and its watches when the server is killed and started again', async () => {
      await using server = await apache({ version })
      await using zk = await connect(server, {
        sessionTimeout: 20_000,
        auth: [{ scheme: 'digest', credentials: 'joe:pw' }],
      })
      const { sessionId } = zk
      await zk.create('/lease', 'mine', { mode: 'ephemeral', acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] })
      const watched = await zk.existence('/later', { watch: true })
      const changes: string[] = []
      const stop = new AbortController()
      const following = (async () => {
        for await (const change of zk.watch('/tree', { recursive: true, signal: stop.signal })) {
          changes.push('path' in change ? `${change.kind} ${change.path} ${change.via}` : change.kind)
          if (change.kind === 'created' && change.path === '/tree/end') stop.abort()
        }
      })()
      await zk.create('/tree/a', '', { parents: true })
      await server.kill()
      await server.restart()
      // Another client changes the tree, perhaps before ours is back.
      await using other = await connect(server)
      await other.create('/tree/while-away')
      await other.create('/later')
      expect((await watched.changed)?.type).toBe('created')
      await other.create('/tree/end')
      await following
      expect(zk.sessionId).toBe(sessionId)
      expect((await zk.get('/lease')).stat.ephemeralOwner).toBe(sessionId)
      expect(changes).toContain('stale')
      const seen = changes.filter((each) => each.startsWith('created')).map((each) => each.split(' ')[1])
      expect(new Set(seen)).toEqual(new Set(['/tree', '/tree/a', '/tree/while-away', '/tree/end']))
      expect(seen).toHaveLength(4)
    })

    test('fails over in an ensemble without losing its session or an acknowledged write', async () => {
      await using ensemble = await apache({ version, size: 3 })
      await using zk = await connect(ensemble, { sessionTimeout: 10_000 })
      const { sessionId } = zk
      await zk.create('/lease', '', { mode: 'ephemeral' })
      await zk.create('/log')
      const acknowledged: string[] = []
      const unknown: string[] = []
      const write = async (i: number): Promise<void> => {
        try {
          acknowledged.push((await zk.create(`/log/n${i}`, `${i}`, { timeout: 15_000 })).path)
        } catch (error) {
          if (!KeeperError.is(error)) throw error
          if (error.outcome !== 'not-sent') unknown.push(`/log/n${i}`)
        }
      }
      for (let i = 0; i < 50; i++) await write(i)
      const { state } = zk
      if (state.kind !== 'connected') throw new Error(`unexpected state ${state.kind}`)
      const port = Number(state.server.split(':')[1])
      await ensemble.kill(ensemble.ports.indexOf(port))
      for (let i = 50; i < 150; i++) await write(i)
      expect(zk.sessionId).toBe(sessionId)
      expect((await zk.exists('/lease'))?.ephemeralOwner).toBe(sessionId)
      await zk.sync('/')
      const { children } = await zk.children('/log')
      const there = new Set(children.map((name) => `/log/${name}`))
      expect(acknowledged.filter((path) => !there.has(path))).toEqual([])
      expect([...there].filter((path) => !acknowledged.includes(path) && !unknown.includes(path))).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(140)
    })
  })
}
