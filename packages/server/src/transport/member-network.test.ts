/** Ports between members with TLS, over real sockets: who is reached, who is let in, and what is refused. */
import type { Link, Network } from '@lightkeeper/runtime'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import { afterEach, expect, test } from 'vitest'
import { keyStores } from '../../../../test/support/key-stores.ts'
import { ServerStats } from '../stats.ts'
import { Credentials } from '../tls/credentials.ts'
import { resolveTls } from '../tls/options.ts'
import { Dials, Route } from './dials.ts'
import { type MemberTlsOptions, memberNetwork, proofByHost } from './member-network.ts'

/** The certificate of the fixtures is for localhost and 127.0.0.1. */
const own = { cert: keyStores.serverPem, key: keyStores.serverKeyPem, ca: keyStores.authorityPem }
const runtime = nodeRuntime({ log: silentLog })
const closing: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function networkOf(more: Partial<MemberTlsOptions> = {}): Promise<Network> {
  const { network, clock, disk, log } = runtime
  const tlsContext = network.tlsContext as NonNullable<Network['tlsContext']>
  const credentials = await Credentials.load(resolveTls(own), { clock, disk, log, tlsContext })
  const limits = { handshakeMs: 10_000, handshakesMax: 16 }
  const made = memberNetwork(
    { limits, dialsTls: true, acceptsPlain: false, checksHost: true, ...more },
    credentials,
    runtime,
    new ServerStats(),
  )
  closing.push(() => made.stop())
  return made
}

/** Listens, and answers each chunk with a text. Returns the port, and what was accepted. */
async function accepting(network: Network): Promise<{ readonly port: string; readonly links: Link[] }> {
  const links: Link[] = []
  const listener = await network.listen('0.0.0.0:0', (link) => {
    links.push(link)
    return { data: () => void link.write(new TextEncoder().encode('seen by it')), closed() {} }
  })
  closing.push(() => listener.close())
  return { port: listener.address.split(':')[1] as string, links }
}

/** Dials, says something, and resolves to the answer, or to why the link was closed. */
function outcomeOf(network: Network, address: string): Promise<string> {
  return new Promise((resolve) => {
    const link: Link = network.connect(address, {
      opened: () => void link.write(new TextEncoder().encode('hello')),
      data(chunk) {
        resolve(new TextDecoder().decode(chunk))
        link.destroy()
      },
      closed: (reason) => resolve(`closed: ${reason?.message ?? 'in order'}`),
    })
  })
}

test('members reach each other, and each knows the certificate of the other', async () => {
  const { port, links } = await accepting(await networkOf())
  expect(await outcomeOf(await networkOf(), `127.0.0.1:${port}`)).toBe('seen by it')
  expect(links.length).toBe(1)
  const proof = proofByHost((sid) => [['127.0.0.1'], ['localhost', 'other'], ['other']][sid - 1])
  const link = links[0] as Link
  expect([1, 2].map((sid) => proof(link, sid))).toEqual([undefined, undefined])
  expect(proof(link, 3)).toBe('the certificate of server 3 is not for other, the host of its line')
})

test('a host that the certificate does not name is not reached, unless names are not checked', async () => {
  const { port } = await accepting(await networkOf())
  expect(await outcomeOf(await networkOf(), `127.0.0.2:${port}`)).toMatch(
    /^closed: .*for another host than 127\.0\.0\.2/,
  )
  expect(await outcomeOf(await networkOf({ checksHost: false }), `127.0.0.2:${port}`)).toBe('seen by it')
})

test('of two addresses the one that the certificate names is reached, whichever is dialed first', async () => {
  const { port } = await accepting(await networkOf())
  const network = await networkOf()
  const addresses = [`127.0.0.2:${port}`, `127.0.0.1:${port}`]
  for (const order of [addresses, [...addresses].reverse()]) {
    const failed: string[] = []
    const opened = await new Promise<string>((resolve) => {
      const dials = new Dials(
        new Route(order),
        { network, clock: runtime.clock },
        {
          opened(link, address) {
            link.destroy()
            resolve(address)
            return { data() {}, closed() {} }
          },
          failed: (address, reason) => void failed.push(`${address} ${reason?.message}`),
        },
      )
      dials.dial(10_000)
    })
    expect(opened).toBe(addresses[1])
    for (const line of failed) expect(line).toMatch(/^127\.0\.0\.2:.*for another host than 127\.0\.0\.2/)
  }
})

test('a server that does not speak TLS is not let in, and is not reached', async () => {
  const { port, links } = await accepting(await networkOf())
  expect(await outcomeOf(runtime.network, `127.0.0.1:${port}`)).toMatch(/^closed/)
  expect(links).toEqual([])
  const plain = await accepting(runtime.network)
  expect(await outcomeOf(await networkOf(), `127.0.0.1:${plain.port}`)).toMatch(/^closed/)
})

test('a server without a certificate, or with one of another authority, is not let in', async () => {
  const { port, links } = await accepting(await networkOf())
  const bare = {
    connect: (address: string, events: Parameters<Network['connect']>[1]) =>
      runtime.network.connect(address, events, { tls: { ca: keyStores.authorityPem } }),
  }
  expect(await outcomeOf(bare as Network, `127.0.0.1:${port}`)).toMatch(/^closed/)
  expect(links).toEqual([])
})

test('while TLS is switched on, both kinds of connections are accepted', async () => {
  const both = await networkOf({ dialsTls: false, acceptsPlain: true })
  const { port, links } = await accepting(both)
  expect(await outcomeOf(both, `127.0.0.1:${port}`)).toBe('seen by it')
  expect(await outcomeOf(await networkOf(), `127.0.0.1:${port}`)).toBe('seen by it')
  expect(links.map(({ peerCertificate }) => peerCertificate !== undefined)).toEqual([false, true])
})
