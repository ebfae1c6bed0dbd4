/** What clients can make a server write into its log. */
import { opCode } from '@lightkeeper/protocol'
import { describe, expect, test } from 'vitest'
import { handServer } from './server.harness.ts'

async function watched(options: Parameters<typeof handServer>[0] = {}) {
  const lines: string[] = []
  const hand = await handServer({ maxClientCnxns: 0, ...options }, (level, message, facts) => {
    if (level !== 'debug') lines.push(`${message} ${JSON.stringify(facts)}`)
  })
  lines.length = 0
  return { ...hand, lines }
}

describe('the log of a server', () => {
  test('has a few lines for any number of sessions that end at once', async () => {
    const { dial, clock, lines } = await watched()
    for (let i = 0; i < 1_000; i++) dial().connect({ timeOut: 4_000 })
    clock.advance(8_000)
    const expired = lines.filter((line) => line.includes('expired'))
    expect(expired).toHaveLength(6)
    expect(expired.at(-1)).toBe('more sessions expired {"times":995}')
  })

  test('has one line for a client that is refused again and again, and one for each other address', async () => {
    const { dial, lines } = await watched()
    for (let i = 0; i < 100; i++) {
      for (const host of ['10.0.0.1', '10.0.0.2']) {
        const client = dial(host)
        client.connect()
        client.send(99)
        client.raw(new Uint8Array(0))
      }
    }
    expect(lines.filter((line) => line.includes('sent an opcode'))).toHaveLength(2)
  })

  test('has one line for bytes that are no protocol, and then one a minute with their number', async () => {
    const { dial, clock, lines } = await watched()
    const bad = (): void => dial().raw(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0))
    for (let i = 0; i < 50; i++) bad()
    clock.advance(60_000)
    bad()
    const about = lines.filter((line) => line.includes('does not speak the protocol'))
    expect(about).toHaveLength(2)
    expect(about[1]).toContain('"times":50')
  })

  test('names a quota that is exceeded once, with how often, whether it refuses or not', async () => {
    for (const enforceQuota of [false, true]) {
      const { dial, clock, lines, server } = await watched({ enforceQuota })
      const client = dial()
      client.connect({ timeOut: 20_000 })
      client.create('/app')
      client.create('/zookeeper/quota/app')
      client.create('/zookeeper/quota/app/zookeeper_limits', 0, 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1')
      client.create('/zookeeper/quota/app/zookeeper_stats', 0, 'count=0,bytes=0')
      for (let i = 0; i < 20; i++) client.create(`/app/${i}`)
      clock.advance(10_000)
      client.call(opCode.ping, undefined, -2)
      const about = lines.filter((line) => line.includes('hard quota'))
      expect(about).toHaveLength(1)
      expect(about[0]).toMatch(enforceQuota ? /^refused a write/ : /^a hard quota is exceeded and not enforced/)
      expect(about[0]).toContain('{"path":"/app","count":2,"limit":1}')
      expect(server.config.enforceQuota).toBe(enforceQuota)
    }
  })
})
