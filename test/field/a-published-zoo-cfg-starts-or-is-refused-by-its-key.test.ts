/** F11, F14, F15, F17, F18 and their kind: every file of the corpus starts as in Apache, or is refused for the key that it says. */
import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { connect } from '@lightkeeper/client'
import { ConfigError, startServer } from '@lightkeeper/server'
import { ask, freePorts } from '@lightkeeper/testing'
import { describe, expect, test } from 'vitest'
import { serverSettings } from '../../packages/cli/src/server-settings.ts'
import { configurations, layOut } from '../support/configurations.ts'
import { keyStores } from '../support/key-stores.ts'

const corpus = configurations()
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

describe('starts', () => {
  const files = corpus.filter(({ refusedFor }) => refusedFor === undefined)
  test.each(files.map((file) => [file.name, file] as const))('%s', async (_name, configuration) => {
    const ports = await freePorts(3)
    const [port] = ports
    using laid = layOut(configuration, ports)
    const { options, warnings } = await serverSettings(laid.file, {})
    const lines = warnings.map(({ message, facts }) => `${message} ${facts?.['keys'] ?? ''}`)
    const needsIpv6 = options.clientPortAddress === '::1'
    if (needsIpv6 && !hasIpv6) console.log(`${configuration.name} is read and not started: this machine has no ::1`)
    const host = needsIpv6 && !hasIpv6 ? { clientPortAddress: '127.0.0.1' } : {}
    await using server = await startServer({ ...options, ...host })
    for (const [name, value] of configuration.settings) {
      const wanted = laid.filled(value)
      if (name === 'unknown') expect(lines.join('\n')).toMatch(new RegExp(`no such settings.* ${wanted}`))
      else if (name === 'notes') expect(lines.filter((line) => /counts/.test(line))).toHaveLength(Number(wanted))
      else
        expect([
          name,
          String(new Map<string, unknown>(Object.entries({ ...server.config, ...options })).get(name)),
        ]).toEqual([name, wanted])
    }
    expect(server.port).toBe(port)
    // A client of a server with TLS shows the certificate that the key stores hold.
    const { authorityPem: ca, serverPem: cert, serverKeyPem: key } = keyStores
    const isSecure = server.securePort === port
    await using zk = await connect(isSecure ? `localhost:${port}` : server, isSecure ? { tls: { ca, cert, key } } : {})
    expect(zk.state.kind).toBe('connected')
    if (options.clientPortAddress === '::')
      expect(await ask(server.port, 'srvr')).toContain(`Mode: ${configuration.mode}\n`)
    // One line for all keys of a kind, however many there are.
    expect(lines.filter((line) => /no effect|no such/.test(line)).length).toBeLessThanOrEqual(2)
  })
})

describe('is refused before anything is opened', () => {
  const files = corpus.filter(({ refusedFor }) => refusedFor !== undefined)
  test.each(files.map((file) => [file.name, file] as const))('%s', async (_name, configuration) => {
    using laid = layOut(configuration, await freePorts(3))
    const before = readdirSync(laid.directory).sort()
    const error = await serverSettings(laid.file, {})
      .then(({ options }) => startServer(options))
      .then(() => undefined)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).message).toMatch(new RegExp(`^${configuration.refusedFor?.replaceAll('.', '\\.')} `))
    expect((error as ConfigError).message).not.toContain('changeit')
    expect(readdirSync(laid.directory).sort()).toEqual(before)
  })
})
