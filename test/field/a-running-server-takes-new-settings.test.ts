/** Settings that may change do so in every room that reads them, without a restart, and none does where one of them is wrong. */
import { createHash } from 'node:crypto'
import { connect, KeeperError, op } from '@lightkeeper/client'
import { ConfigError, type ServerOptions, startServer } from '@lightkeeper/server'
import { ask } from '@lightkeeper/testing'
import { expect, test } from 'vitest'

const code = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => 'OK',
    (error: unknown) => (error instanceof KeeperError ? error.code : undefined),
  )
const digestOf = (credentials: string): string =>
  `${credentials.split(':')[0]}:${createHash('sha1').update(credentials).digest('base64')}`

test('limits, words, quotas, timeouts and the super user change while clients are connected', async () => {
  let options: ServerOptions = { superDigest: digestOf('super:old') }
  await using server = await startServer({ ...options, port: 0 }, {}, () => ({ ...options, port: 0 }))
  await using zk = await connect(server)
  await zk.create('/locked', '', { acl: [{ perms: 1, id: { scheme: 'digest', id: 'nobody:x' } }] })
  await zk.create('/zookeeper/quota/limited/zookeeper_limits', 'count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=-1', {
    parents: true,
  })
  await zk.create('/limited', '')
  await zk.create('/zookeeper/quota/limited/zookeeper_stats', '')
  const multi = (): Promise<string | undefined> =>
    code(zk.transaction(op.check('/', 0), op.check('/', 0), op.check('/', 0)))
  let size = 4
  const over = (): Promise<string | undefined> => code(zk.set('/limited', 'x'.repeat(++size)))
  const as = async (credentials: string): Promise<string | undefined> => {
    await using other = await connect(server, { auth: [{ scheme: 'digest', credentials }] })
    return code(other.set('/locked', ''))
  }
  const asked = async (): Promise<unknown[]> => {
    await using other = await connect(server, { sessionTimeout: 20_000 })
    const granted = other.state.kind === 'connected' ? other.state.sessionTimeout : undefined
    const word = await ask(server.port, 'ruok')
    return [await multi(), await over(), await as('super:old'), await as('super:new'), word.slice(0, 4), granted]
  }
  const before = ['OK', 'OK', 'OK', 'NO_AUTH', 'ruok', 20_000]
  expect(await asked()).toEqual(before)

  options = { fourLetterWordWhitelist: 'ruok', maxMultiOperations: 0 }
  await expect(server.reload()).rejects.toThrow(ConfigError)
  expect(await asked()).toEqual(before)

  options = {
    superDigest: digestOf('super:new'),
    fourLetterWordWhitelist: 'ruok',
    maxMultiOperations: 2,
    enforceQuota: true,
    maxSessionTimeout: 9_000,
    dataDir: '/elsewhere',
  }
  const { changed, needRestart } = await server.reload()
  expect(needRestart).toEqual(['dataDir'])
  expect(changed.map(({ setting }) => setting).sort()).toEqual(
    ['enforceQuota', 'fourLetterWordWhitelist', 'maxMultiOperations', 'maxSessionTimeout', 'superDigest'].sort(),
  )
  expect(await asked()).toEqual(['BAD_ARGUMENTS', 'QUOTA_EXCEEDED', 'NO_AUTH', 'OK', 'imok', 9_000])
  expect(server.config).toMatchObject({ maxMultiOperations: 2, dataDir: undefined })
})

test('the number of connections of one address changes for those that come', async () => {
  let maxClientCnxns = 1
  await using server = await startServer({ port: 0, maxClientCnxns }, {}, () => ({ port: 0, maxClientCnxns }))
  await using _zk = await connect(server)
  const options = { connectTimeout: 500 }
  const another = (): Promise<string> =>
    connect(server, options).then(
      async (zk) => {
        await zk.close()
        return 'connected'
      },
      () => 'refused',
    )
  expect(await another()).toBe('refused')
  maxClientCnxns = 2
  await server.reload()
  expect(await another()).toBe('connected')
})
