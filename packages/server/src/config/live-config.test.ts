import { type Log, silentLog } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import type { ServerOptions } from './config.ts'
import { LiveConfig, type Prepared, type Reloadable } from './live-config.ts'

const hashes = ['D/InIHSb7yEEbrWz8b9l71RjZJU=', 'xxxIHSb7yEEbrWz8b9l71RjZJUA=']

function linesOf(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    log: (level, message, facts) =>
      void lines.push(`${level} ${message} ${Object.values(facts ?? {}).join(' ')}`.trim()),
  }
}

test('a reload takes over what may change, says old and new, and names what needs a restart in one line', async () => {
  const live = new LiveConfig({ maxClientCnxns: 10, superDigest: `super:${hashes[0]}` }, 5)
  const { config } = live
  const { log, lines } = linesOf()
  const next: ServerOptions = {
    maxClientCnxns: 20,
    fourLetterWordWhitelist: 'ruok,mntr',
    superDigest: `super:${hashes[1]}`,
    tickTime: 500,
    clientPort: 2182,
  }
  const reload = await live.reload(() => next, log)
  expect(config).toMatchObject({ maxClientCnxns: 20, fourLetterWordWhitelist: ['ruok', 'mntr'] })
  // Timeouts are two ticks and twenty of them by default: of the tick that the server has.
  expect(config).toMatchObject({ tickTime: 3000, minSessionTimeout: 6000, maxSessionTimeout: 60_000 })
  expect(reload.needRestart).toEqual(['clientPort', 'tickTime'])
  expect(reload.changed).toEqual([
    { setting: 'maxClientCnxns', from: '10', to: '20' },
    { setting: 'superDigest', from: '(not shown)', to: '(not shown)' },
    { setting: 'fourLetterWordWhitelist', from: 'srvr', to: 'ruok,mntr' },
  ])
  expect(lines).toContain('info a setting changed maxClientCnxns 10 20')
  expect(lines).toContain('warn settings keep their value until the server starts again clientPort tickTime')
  expect(lines.join('\n')).not.toContain(hashes[1])

  lines.length = 0
  expect(await live.reload(() => ({ ...next, tickTime: 3000, clientPort: 2181 }), log)).toMatchObject({
    needRestart: [],
  })
  lines.length = 0
  await live.reload(() => ({ ...next, tickTime: 3000, clientPort: 2181 }), log)
  expect(lines).toEqual(['info the configuration was read again: nothing changed'])
})

test('what is not shown of a setting is compared too: a new password of a store needs a restart, and the log says so', async () => {
  const tls = { keyStoreLocation: '/store.p12', keyStorePassword: 'of-the-store', clientAuth: 'none' } as const
  const live = new LiveConfig({ secureClientPort: 2281, tls }, 0)
  const { log, lines } = linesOf()
  for (const other of [
    { ...tls, keyStorePassword: 'a-new-one' },
    { ...tls, ciphersuites: 'TLS_AES_256_GCM_SHA384' },
    { ...tls, handshakeDetectionTimeoutMillis: 99 },
  ]) {
    const { changed, needRestart } = await live.reload(() => ({ secureClientPort: 2281, tls: other }), log)
    expect([changed, needRestart]).toEqual([[], ['tls']])
  }
  expect(lines).toEqual(Array(3).fill('warn settings keep their value until the server starts again tls'))
  expect(await live.reload(() => ({ secureClientPort: 2281, tls: { ...tls } }), log)).toMatchObject({ needRestart: [] })
})

test('one setting that is wrong leaves everything as it was', async () => {
  const live = new LiveConfig({}, 0)
  const before = { ...live.config }
  const wrong = { maxClientCnxns: 5, snapCount: 1 }
  await expect(live.reload(() => wrong, silentLog)).rejects.toThrow(/^snapCount is 1/)
  await expect(
    live.reload(() => {
      throw new Error('cannot read zoo.cfg')
    }, silentLog),
  ).rejects.toThrow('cannot read zoo.cfg')
  expect(live.config).toEqual(before)
})

/** A room with certificates, say: `prepare` does as it is told. */
function room(prepare: Reloadable['prepare'], committed: string[], name: string): Reloadable {
  return {
    async prepare(config) {
      const prepared = await prepare(config)
      const commit = (): void => {
        committed.push(name)
        prepared?.commit()
      }
      return prepared === undefined ? undefined : { ...prepared, commit }
    },
  }
}

test('a room that cannot follow stops the reload before another room, or a setting, has changed', async () => {
  const live = new LiveConfig({}, 0)
  const committed: string[] = []
  const ready: Prepared = { changes: [{ setting: 'users', from: '2', to: '3' }], commit() {} }
  let failure: Error | undefined = new Error('the certificate is of another key')
  const seen: number[] = []
  live.add(
    room(
      async ({ maxCnxns }) => {
        seen.push(maxCnxns)
        return ready
      },
      committed,
      'auth',
    ),
  )
  live.add(
    room(
      async () => {
        if (failure !== undefined) throw failure
        return undefined
      },
      committed,
      'tls',
    ),
  )
  await expect(live.reload(() => ({ maxCnxns: 9 }), silentLog)).rejects.toThrow('another key')
  expect([live.config.maxCnxns, committed, seen]).toEqual([0, [], [9]])
  failure = undefined
  const { changed } = await live.reload(() => ({ maxCnxns: 9 }), silentLog)
  expect(changed.map(({ setting }) => setting)).toEqual(['maxCnxns', 'users'])
  expect([live.config.maxCnxns, committed]).toEqual([9, ['auth']])
})

test('two reloads at once come one after the other', async () => {
  const live = new LiveConfig({}, 0)
  const order: string[] = []
  const slow = live.reload(async () => {
    order.push('first')
    await new Promise((resolve) => setImmediate(resolve))
    order.push('first read')
    return { maxCnxns: 1 }
  }, silentLog)
  const quick = live.reload(() => {
    order.push('second')
    return { maxCnxns: 2 }
  }, silentLog)
  await Promise.all([slow, quick])
  expect([order, live.config.maxCnxns]).toEqual([['first', 'first read', 'second'], 2])
})
