/** The page `past` of a server: who may read it, what comes, and that clients are served meanwhile. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@lightkeeper/client'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The password of this user is `secret`. */
const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
const allowed = { authorization: 'digest super:secret' }
const dataDir = mkdtempSync(join(tmpdir(), 'lightkeeper-past-'))
const rounds = 100
const bytesEach = 256 * 1024

let server: RunningServer
/** How often a log was read in. */
let reads = 0
beforeAll(async () => {
  const { disk } = nodeRuntime()
  const counting: typeof disk = {
    ...disk,
    open: async (path, options) => {
      const file = await disk.open(path, options)
      if (options?.readOnly !== true || !path.includes('log.')) return file
      return Object.assign(Object.create(file), {
        read: (position: number, target: Uint8Array) => {
          reads++
          return file.read(position, target)
        },
      })
    },
  }
  server = await startServer(
    { port: 0, dataDir, forceSync: false, adminEnableServer: true, adminServerPort: 0, superDigest },
    { disk: counting },
  )
  await using zk = await connect(server.connectString)
  await zk.create('/big')
  for (let i = 0; i < rounds; i++) await zk.set('/big', new Uint8Array(bytesEach).fill(i))
})
afterAll(async () => {
  await server.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const url = (query = ''): string => `http://${server.adminAddress}/commands/past${query}`
const ask = (query = '', headers: Record<string, string> = allowed): Promise<Response> => fetch(url(query), { headers })

interface Listed {
  readonly files: readonly { readonly name: string; readonly size: number }[]
}

async function log(): Promise<{ readonly name: string; readonly size: number }> {
  const { files } = (await (await ask()).json()) as Listed
  return files.at(-1) as Listed['files'][number]
}

test.each([
  [{}, 401, 'Auth info is missing for the command'],
  [{ authorization: 'nonsense x' }, 401, 'Not authenticated'],
  [{ authorization: 'digest a b' }, 401, 'Not authenticated'],
])('with %j nothing is told', async (headers, status, error) => {
  for (const query of ['', '?file=log.1']) {
    const answer = await ask(query, headers as Record<string, string>)
    expect([answer.status, await answer.json()]).toEqual([status, { command: 'past', error }])
  }
})

test('an identity that may not do everything at the root is refused, even where it may read everything', async () => {
  await using zk = await connect(server.connectString, { auth: [{ scheme: 'digest', credentials: 'super:secret' }] })
  const { acl } = await zk.getAcl('/')
  await zk.setAcl('/', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }])
  const answer = await ask('', { authorization: 'digest somebody:pw' })
  expect([answer.status, await answer.json()]).toEqual([403, { command: 'past', error: 'Not authorized' }])
  expect((await ask()).status).toBe(200)
  await zk.setAcl('/', acl)
})

test('names logs and snapshots, and gives the bytes of each', async () => {
  const { files } = (await (await ask()).json()) as Listed
  expect(files.map(({ name }) => name)).toEqual(['snapshot.0', 'log.1'])
  for (const { name, size } of files) {
    const bytes = Buffer.from(await (await ask(`?file=${name}`)).arrayBuffer())
    expect(bytes.length).toBe(size)
    expect(bytes.equals(readFileSync(join(dataDir, 'version-2', name)).subarray(0, size))).toBe(true)
  }
  const part = await ask('?file=log.1&from=1&count=3')
  expect([part.headers.get('content-type'), await part.text()]).toEqual(['application/octet-stream', 'KLG'])
  expect((await ask(`?file=log.1&from=${1e12}`)).status).toBe(200)
})

test.each([
  ['?file=log.1&from=-1', 400],
  ['?file=log.1&count=x', 400],
  ['?file=log.99', 404],
  ['?file=acknowledged', 404],
  ['?file=../version-2/log.1', 404],
])('%s is refused', async (query, status) => {
  const answer = await ask(query)
  expect([answer.status, await answer.json()]).toMatchObject([status, { command: 'past' }])
})

describe('while the past is read', () => {
  test('the requests of clients go on, and nothing is read ahead of a slow reader', async () => {
    const { name, size } = await log()
    reads = 0
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url(`?file=${name}`), { headers: allowed }, resolve).on('error', reject)
    })
    response.pause()
    await using zk = await connect(server.connectString)
    for (let i = 0; i < 100; i++) {
      const stat = await zk.set('/big', `${i}`)
      expect((await zk.get('/big')).stat.version).toBe(stat.version)
    }
    // What the operating system holds for a connection is far less than the log.
    expect(reads * bytesEach).toBeLessThan(size)
    let got = 0
    for await (const piece of response) got += (piece as Buffer).length
    expect(got).toBe(size)
  })

  test('more readers than may be at once are asked to come again', async () => {
    const { name } = await log()
    const open = Array.from({ length: 9 }, async () => {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        get(url(`?file=${name}`), { headers: allowed }, resolve).on('error', reject)
      })
      response.pause()
      return response
    })
    const responses = await Promise.all(open)
    const statuses = responses.map(({ statusCode }) => statusCode).sort()
    expect(statuses).toEqual([...Array.from({ length: 8 }, () => 200), 429])
    for (const each of responses) each.destroy()
    // Readers that went away give their places back.
    await expect.poll(async () => (await ask(`?file=${name}&count=1`)).status).toBe(200)
  })
})

test('can be turned off while the server runs, and a server without files has none', async () => {
  const options = { port: 0, adminEnableServer: true, adminServerPort: 0, superDigest }
  await using inMemory = await startServer(options)
  const answer = await fetch(`http://${inMemory.adminAddress}/commands/past`, { headers: allowed })
  expect([answer.status, await answer.json()]).toEqual([503, { command: 'past', error: 'data is in memory only' }])
  const reread = () => ({ ...options, adminPastEnabled: false })
  await using off = await startServer(options, {}, reread)
  await off.reload()
  const refused = await fetch(`http://${off.adminAddress}/commands/past`, { headers: allowed })
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { command: 'past', error: 'admin.past.enabled is false' },
  ])
})
