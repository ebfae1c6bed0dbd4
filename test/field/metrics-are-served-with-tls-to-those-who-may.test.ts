/** The port of the metrics with TLS: `metricsProvider.httpsPort`, which Apache will have after 3.9. */
import { writeFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { type RequestOptions, request as requestSecure } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { optionsOf, type RunningServer, startServer } from '@lightkeeper/server'
import { Authority, type ClientCertificates } from '@lightkeeper/testing'
import { expect, test } from 'vitest'
import { freePort } from '../support/our-process.ts'
import { tlsStores } from '../support/tls-stores.ts'

const { authority, keys, stranger, holder } = tlsStores()
const stores = keys('metricsProvider.ssl.')
const alice = holder({ name: 'alice' })
const mallory = { ...stranger, ...new Authority('Another Authority').issue({ name: 'mallory' }) }

function start(more: Readonly<Record<string, string>>): Promise<RunningServer> {
  const provider = { 'metricsProvider.className': 'PrometheusMetricsProvider', 'metricsProvider.httpHost': '127.0.0.1' }
  return startServer({ ...optionsOf(Object.entries({ ...provider, ...stores, ...more })).options, port: 0 })
}

interface Scraped {
  readonly status: number | undefined
  readonly text: string
  /** The name in the server's certificate; undefined without TLS. */
  readonly name: unknown
}

/** Scrapes, with TLS where there are certificates; undefined where the connection ended without an answer. */
function scrape(address: string | undefined, certificates?: ClientCertificates): Promise<Scraped | undefined> {
  const options: RequestOptions = {
    host: '127.0.0.1',
    port: Number(address?.split(':').at(-1)),
    path: '/metrics',
    agent: false,
    servername: 'localhost',
    ...certificates,
  }
  return new Promise((resolve) => {
    const asked = (certificates === undefined ? requestPlain : requestSecure)(options, (response) => {
      const { socket, statusCode: status } = response
      const name = certificates === undefined ? undefined : (socket as TLSSocket).getPeerCertificate().subject.CN
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve({ status, text, name }))
    })
    asked.on('error', () => resolve(undefined))
    asked.end()
  })
}

const shown = { status: 200, text: expect.stringMatching(/^znode_count \d+$/m) }

test('clients with a trusted certificate are served, and no other, nor anybody without TLS', async () => {
  await using server = await start({ 'metricsProvider.httpsPort': '0' })
  const address = server.metricsSecureAddress
  expect(server.metricsAddress).toBeUndefined()
  expect(await scrape(address, alice)).toMatchObject({ ...shown, name: 'localhost' })
  expect(await scrape(address, stranger)).toBeUndefined()
  expect(await scrape(address, mallory)).toBeUndefined()
  expect(await scrape(address)).toBeUndefined()
})

test('everybody is served where no certificate is asked for, also on one port for both', async () => {
  const open = {
    'metricsProvider.ssl.need.client.auth': 'false',
    'metricsProvider.ssl.want.client.auth': 'false',
  }
  const port = `${await freePort()}`
  await using server = await start({
    ...open,
    'metricsProvider.httpPort': port,
    'metricsProvider.httpsPort': port,
  })
  expect(server.metricsAddress).toBe(server.metricsSecureAddress)
  expect(await scrape(server.metricsAddress)).toMatchObject(shown)
  expect(await scrape(server.metricsAddress, stranger)).toMatchObject(shown)
})

test('a new certificate is shown without a restart', async () => {
  await using server = await start({
    'metricsProvider.httpsPort': '0',
    'metricsProvider.ssl.need.client.auth': 'false',
  })
  const address = server.metricsSecureAddress
  expect(await scrape(address, stranger)).toMatchObject({ name: 'localhost' })
  const renewed = authority.issue({ name: 'renewed', hosts: ['localhost'] })
  writeFileSync(stores['metricsProvider.ssl.keyStore.location'] as string, renewed.key + renewed.cert)
  await server.reload()
  expect(await scrape(address, stranger)).toMatchObject({ ...shown, name: 'renewed' })
})
