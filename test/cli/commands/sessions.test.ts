/** `lightkeeper sessions`, and what servers do not say: on our server, and on Apache's. */
import { connect } from '@lightkeeper/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminTarget, missingAdminTarget, startAdminTarget } from '../../support/admin-target.ts'
import { startTarget, type TargetServer, targetName } from '../../support/target.ts'
import { tlsStores } from '../../support/tls-stores.ts'
import { Running } from '../running.ts'

const { keys } = tlsStores()
// The admin port of Apache uses the stores of the ports between servers.
const stores = keys('ssl.quorum.')
const authority = stores['ssl.quorum.trustStore.location'] as string

const missing = missingAdminTarget()
if (missing !== undefined) console.log(`sessions by admin pages of ${targetName}: skipped, because ${missing}`)

let server: TargetServer
let silent: TargetServer
let pages: AdminTarget | undefined
beforeAll(async () => {
  server = await startTarget({ fourLetterWords: 'cons,dump,wchc' })
  silent = await startTarget({ fourLetterWords: 'srvr' })
  if (missing === undefined) pages = await startAdminTarget('pages', { ...stores, 'admin.forceHttps': 'true' })
}, 60_000)
afterAll(async () => {
  await server?.close()
  await silent?.close()
  await pages?.[Symbol.asyncDispose]()
})

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Running(['sessions', ...args]).closed
}

const hex = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`

/** The server that is asked, and the options that do it. */
function asked(by: string): { readonly at: string; readonly where: readonly string[] } {
  if (by === 'words') return { at: server.connectString, where: ['-s', server.connectString] }
  const { port = 0, url = '' } = pages ?? {}
  const secure = url.replace('http:', 'https:')
  return { at: `127.0.0.1:${port}`, where: ['--admin', secure, '--tls-ca', authority] }
}

const ways = missing === undefined ? ['words', 'admin pages with TLS'] : ['words']
test.each(ways)('prints who is connected, owns and watches, by %s', async (by) => {
  const { at, where } = asked(by)
  await using a = await connect(at, { sessionTimeout: 12_000 })
  await using b = await connect(at, { sessionTimeout: 8_000 })
  const [first, second] = [`/first-${by.length}`, `/second-${by.length}`] as const
  await a.create(second, '', { mode: 'ephemeral' })
  await a.create(first, '', { mode: 'ephemeral' })
  const abort = new AbortController()
  const changes = b.watch(second, { signal: abort.signal })
  await changes.next()
  const { code, output, errors } = await run(...where)
  expect([code, errors]).toEqual([0, ''])
  const time = '\\d{4}-\\S*Z'
  const line = (id: bigint, timeout: number): string =>
    `${hex(id)} 127\\.0\\.0\\.1:\\d+ timeout=${timeout} since=${time} last=[A-Z0-9]+ queued=\\d+ received=\\d+ sent=\\d+ maxlatency=\\d+\n`
  expect(output).toMatch(new RegExp(`${line(a.sessionId, 12_000)}  owns ${first}\n  owns ${second}\n`))
  expect(output).toMatch(new RegExp(`${line(b.sessionId, 8_000)}  watches ${second}\n`))
  const one = await run(hex(b.sessionId), '--json', ...where)
  expect(JSON.parse(one.output)).toMatchObject({ id: hex(b.sessionId), timeoutMs: 8_000, ephemerals: [] })
  expect(await run('0x77', ...where)).toMatchObject({
    code: 1,
    errors: 'lightkeeper sessions: no server knows a session 0x77\n',
  })
  abort.abort()
  await changes.return?.(undefined)
})

test.skipIf(missing !== undefined)('an admin port with TLS: a wrong way to ask it is said in a line', async () => {
  const { host } = new URL(pages?.url ?? '')
  const trust = await run('--admin', `https://${host}`)
  expect([trust.code, trust.output]).toEqual([1, ''])
  expect(trust.errors).toMatch(new RegExp(`^lightkeeper sessions: cannot ask ${host}: [^\n]*certificate[^\n]*\n$`))
  const plain = await run('--admin', host, '--timeout', '5000')
  expect([plain.code, plain.output]).toEqual([1, ''])
  expect(plain.errors).toMatch(new RegExp(`^lightkeeper sessions: cannot ask ${host}: [^\n]+\n$`))
})

test('a server that answers none of the words is an error that says what to do', async () => {
  const { code, output, errors } = await run('-s', silent.connectString)
  expect([code, output]).toEqual([1, ''])
  expect(errors).toMatch(
    /does not answer cons: cons is not executed .*--admin HOST:PORT asks the admin pages instead\n$/,
  )
})

test('of several servers, one that says nothing is named, and the others are shown', async () => {
  await using zk = await connect(server.connectString)
  const { code, output, errors } = await run('-s', `${server.connectString},127.0.0.1:1`)
  expect(code).toBe(0)
  expect(output).toContain(`${hex(zk.sessionId)} 127.0.0.1:`)
  expect(errors).toMatch(/^lightkeeper sessions: not shown: 127\.0\.0\.1:1 does not answer cons: .*\n$/)
})
