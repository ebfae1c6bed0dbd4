/** `lightkeeper sessions`, and what servers do not say. */
import { connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Running } from '../running.ts'

let server: RunningServer
let silent: RunningServer
beforeAll(async () => {
  server = await startServer({
    port: 0,
    fourLetterWordWhitelist: 'cons,dump,wchc',
    adminEnableServer: true,
    adminServerPort: 0,
  })
  silent = await startServer({ port: 0 })
})
afterAll(async () => {
  await server.close()
  await silent.close()
})

async function run(...args: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Running(['sessions', ...args]).closed
}

const hex = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`

test.each(['words', 'admin pages'])('prints who is connected, owns and watches, by %s', async (by) => {
  const where = by === 'words' ? ['-s', server.connectString] : ['--admin', String(server.adminAddress)]
  await using a = await connect(server.connectString, { sessionTimeout: 12_000 })
  await using b = await connect(server.connectString, { sessionTimeout: 8_000 })
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
  expect(output).toMatch(new RegExp(line(b.sessionId, 8_000)))
  const one = await run(hex(b.sessionId), '--json', ...where)
  expect(JSON.parse(one.output)).toMatchObject({ id: hex(b.sessionId), timeoutMs: 8_000, ephemerals: [] })
  expect(await run('0x77', ...where)).toMatchObject({
    code: 1,
    errors: 'lightkeeper sessions: no server knows a session 0x77\n',
  })
  abort.abort()
  await changes.return?.(undefined)
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
