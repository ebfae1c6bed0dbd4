import type { Link, LinkEvents, LinkOptions, Network } from '@lightkeeper/runtime'
import { expect, test } from 'vitest'
import { settle } from '../client.harness.ts'
import { type Tls, withTls } from './tls.ts'

/** A network whose state is private, as in a user's class. */
class Recording implements Network {
  readonly #opened: (LinkOptions | undefined)[] = []

  get opened(): readonly (LinkOptions | undefined)[] {
    return this.#opened
  }

  connect(_address: string, _events: LinkEvents, options?: LinkOptions): Link {
    this.#opened.push(options)
    return { remote: '', queuedBytes: 3, write: () => false, pause() {}, resume() {}, end() {}, destroy() {} }
  }

  service(name: string): Promise<string[]> {
    return Promise.resolve([`${name}:${this.#opened.length}`])
  }

  listen(): Promise<never> {
    return Promise.reject(new Error(`${this.#opened.length} opened`))
  }
}

function dial(tls: Tls | undefined): { link: Link; network: Recording; closed: (string | undefined)[]; all: Network } {
  const network = new Recording()
  const closed: (string | undefined)[] = []
  const all = withTls(network, tls)
  const link = all.connect('a:1', { data() {}, closed: (reason) => void closed.push(reason?.message) })
  return { link, network, closed, all }
}

test('is asked for on every connection, and everything else of the network stays as it is', async () => {
  const { network, all } = dial({ minVersion: 'TLSv1.3' })
  expect(network.opened).toEqual([{ tls: { minVersion: 'TLSv1.3' } }])
  await expect(all.listen('a:1', () => ({ data() {}, closed() {} }))).rejects.toThrow('1 opened')
  expect(dial(true).network.opened).toEqual([{ tls: {} }])
  expect(dial(undefined).network.opened).toEqual([undefined])
})

test('opens nothing until the options are there', async () => {
  let give: (options: object) => void = () => {}
  const { link, network } = dial(() => new Promise((resolve) => (give = resolve)))
  await settle()
  expect([network.opened.length, link.queuedBytes]).toEqual([0, 0])
  give({ ca: 'x' })
  await settle()
  expect([network.opened, link.queuedBytes]).toEqual([[{ tls: { ca: 'x' } }], 3])
})

test('never falls back to a connection in the clear', async () => {
  const { network, closed } = dial((() => undefined) as unknown as Tls)
  await settle()
  expect([network.opened, closed]).toEqual([[], ['no TLS options: the function returned none']])
})

test('a link given up while the options were asked for is closed once, and never opened', async () => {
  let give: (options: object) => void = () => {}
  const { link, network, closed } = dial(() => new Promise((resolve) => (give = resolve)))
  await settle()
  link.destroy()
  expect(closed).toEqual([])
  await settle()
  give({})
  link.end()
  await settle()
  expect([network.opened, closed]).toEqual([[], [undefined]])
})
