/** Flags of a Java machine beside a zoo.cfg: which of them a server reads, and which of the two counts. */
import { createHash } from 'node:crypto'
import { opCode } from '@lightkeeper/protocol'
import { parseZooCfg, startServer } from '@lightkeeper/server'
import { apache, ask } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { missingTarget, notAlone, targetName } from '../support/target.ts'
import { Wire } from './wire.ts'

interface Started extends AsyncDisposable {
  readonly port: number
}

/** A server with these lines in its file, and these flags. */
async function started(file: Readonly<Record<string, string>>, flags: string): Promise<Started> {
  if (targetName !== 'ours') {
    const version = targetName.slice('apache-'.length) as '3.8'
    const server = await apache({ version, config: file, jvm: flags.split(' ') })
    return { port: server.ports[0] as number, [Symbol.asyncDispose]: () => server.close() }
  }
  const lines = { '4lw.commands.whitelist': '*', ...file }
  const text = Object.entries(lines).map(([key, value]) => `${key}=${value}`)
  const { options } = parseZooCfg(text.join('\n'), { jvmFlags: [['SERVER_JVMFLAGS', flags]] })
  const server = await startServer({ ...options, clientPort: 0 })
  return { port: server.port, [Symbol.asyncDispose]: () => server.close() }
}

async function confOf({ port }: Started): Promise<ReadonlyMap<string, string>> {
  const lines = (await ask(port, 'conf')).trim().split('\n')
  return new Map(lines.map((line) => line.split('=', 2) as [string, string]))
}

async function ttlCode({ port }: Started): Promise<string> {
  const wire = await Wire.connect(port)
  const { code } = await wire.create('/ttl', { type: opCode.createTTL, flags: 5, ttl: 60_000n })
  wire.destroy()
  return code
}

const missing = notAlone ?? missingTarget()
if (missing !== undefined) console.log(`flags of a Java machine on ${targetName}: skipped, because ${missing}`)

describe.skipIf(missing !== undefined || targetName === 'apache-3.5')(`flags on ${targetName}`, () => {
  test('a key that the file does not have is taken from a flag', async () => {
    await using server = await started({}, '-Dzookeeper.extendedTypesEnabled=true')
    expect(await ttlCode(server)).toBe('OK')
  })

  test('the line of the file counts more than the flag', async () => {
    await using server = await started({ extendedTypesEnabled: 'false' }, '-Dzookeeper.extendedTypesEnabled=true')
    expect(await ttlCode(server)).toBe('UNIMPLEMENTED')
  })

  test('the last one of two flags counts, and a flag without a value is empty', async () => {
    const flags = '-Dzookeeper.extendedTypesEnabled -Dzookeeper.enforceQuota'
    {
      await using server = await started({}, `-Dzookeeper.extendedTypesEnabled=true ${flags}`)
      expect(await ttlCode(server)).toBe('UNIMPLEMENTED')
    }
    await using server = await started({}, `${flags} -Dzookeeper.extendedTypesEnabled=true`)
    expect(await ttlCode(server)).toBe('OK')
  })

  test('ticks, session timeouts and limits come from the file alone', async () => {
    const flags = '-Dzookeeper.tickTime=500 -DtickTime=500 -Dzookeeper.minSessionTimeout=1 -Dzookeeper.maxClientCnxns=1'
    await using server = await started({ tickTime: '2000', maxClientCnxns: '7' }, flags)
    const conf = await confOf(server)
    expect(['tickTime', 'minSessionTimeout', 'maxClientCnxns'].map((key) => conf.get(key))).toEqual([
      '2000',
      '4000',
      '7',
    ])
  })

  test('the largest request is a flag without the prefix', async () => {
    await using server = await started({}, '-Djute.maxbuffer=4096')
    const wire = await Wire.connect(server.port)
    expect((await wire.create('/small', { data: 'x'.repeat(3_000) })).code).toBe('OK')
    wire.send(opCode.create, (writer) => writer.raw(new Uint8Array(5_000)))
    expect(await wire.closes()).toBe(true)
  })

  test('a super user of any name comes from a flag', async () => {
    const hash = createHash('sha1').update('curator-test:pw').digest('base64')
    const flag = `-Dzookeeper.DigestAuthenticationProvider.superDigest=curator-test:${hash}`
    await using server = await started({}, flag)
    const wire = await Wire.connect(server.port)
    expect((await wire.set('/zookeeper/config', 'x')).code).toBe('NO_AUTH')
    await wire.auth('digest', 'curator-test:pw')
    expect((await wire.set('/zookeeper/config', 'x')).code).toBe('OK')
    wire.destroy()
  })
})
