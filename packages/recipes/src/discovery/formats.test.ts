/** Texts that Curator 5.4 and Dubbo wrote, and what we make of other texts. */
import { describe, expect, test } from 'vitest'
import { curator, spring } from './curator.ts'
import { dubbo, formatDubboUrl, formDecode, formEncode, parseDubboUrl } from './dubbo.ts'
import type { ServiceInstance } from './instance.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => new TextDecoder().decode(data)

const plain: ServiceInstance = {
  name: 'web',
  id: 'i-1',
  address: '10.0.0.1',
  port: 8080,
  sslPort: undefined,
  weight: 1,
  zone: undefined,
  metadata: {},
  enabled: true,
  registeredAt: new Date(1_795_408_179_765),
  payload: undefined,
}

describe("Curator's JSON", () => {
  test('has the fields of Jackson in their order', () => {
    expect(text(curator.encode(plain))).toBe(
      '{"name":"web","id":"i-1","address":"10.0.0.1","port":8080,"sslPort":null,"payload":null,' +
        '"registrationTimeUTC":1795408179765,"serviceType":"DYNAMIC","uriSpec":null}',
    )
    expect(text(curator.encode({ ...plain, zone: 'a', weight: 3, enabled: false }))).toBe(
      '{"name":"web","id":"i-1","address":"10.0.0.1","port":8080,"sslPort":null,' +
        '"payload":{"@class":"java.util.LinkedHashMap","weight":3,"zone":"a"},' +
        '"registrationTimeUTC":1795408179765,"serviceType":"DYNAMIC","uriSpec":null,"enabled":false}',
    )
  })

  test('carries a payload as it is given', () => {
    const payload = { '@class': 'com.example.Details', cores: 4 }
    const written = curator.encode({ ...plain, payload })
    expect(JSON.parse(text(written)).payload).toEqual(payload)
    expect(curator.decode('web', 'i-1', written)).toMatchObject({ payload, metadata: { cores: '4' } })
  })

  test('is read as Java wrote it', () => {
    const written =
      '{"name":"web","id":"i-1","address":"10.0.0.1","port":8080,"sslPort":8443,"payload":{"@class":"java.util.LinkedHashMap",' +
      '"zone":"a","weight":20},"registrationTimeUTC":1795408179765,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme",' +
      '"variable":true}]},"enabled":true,"later":1}'
    expect(curator.decode('web', 'i-1', bytes(written))).toEqual({
      ...plain,
      sslPort: 8443,
      weight: 20,
      zone: 'a',
      metadata: { zone: 'a', weight: '20' },
      payload: { '@class': 'java.util.LinkedHashMap', zone: 'a', weight: 20 },
    })
  })

  test.each([
    ['text as payload', '{"address":"h","payload":"strpay"}', { payload: 'strpay', metadata: {}, weight: 1 }],
    ['no name and no id', '{"address":"h"}', { name: 'web', id: 'node', port: undefined, registeredAt: undefined }],
    ['weights that make no sense', '{"address":"h","payload":{"weight":"heavy"}}', { weight: 1 }],
    ['a negative weight', '{"address":"h","payload":{"weight":-3}}', { weight: 1 }],
    ['a port that is none', '{"address":"h","port":"http"}', { port: undefined }],
    ['one that takes no calls', '{"address":"h","enabled":false}', { enabled: false }],
  ])('is read with %s', (_, written, expected) => {
    expect(curator.decode('web', 'node', bytes(written))).toMatchObject(expected)
  })

  test.each(['', 'null', '[]', '{"address":', '{"port":1}', '{"address":""}', '"x"'])('is refused: %s', (written) => {
    expect(() => curator.decode('web', 'node', bytes(written))).toThrow()
  })

  test('of Spring has its class, and what it says in the metadata', () => {
    const written = JSON.parse(text(spring.encode({ ...plain, weight: 2, zone: 'a', metadata: { team: 'x' } })))
    expect(written.payload).toEqual({
      '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance',
      id: 'i-1',
      name: 'web',
      metadata: { instance_status: 'UP', weight: '2', zone: 'a', team: 'x' },
    })
    expect(written.uriSpec.parts.map(({ value }: { value: string }) => value).join('')).toBe('scheme://address:port')
    expect(spring.decode('web', 'i-1', spring.encode({ ...plain, enabled: false })).enabled).toBe(false)
    expect(spring.decode('web', 'i-1', spring.encode({ ...plain, weight: 2, zone: 'a' }))).toMatchObject({
      weight: 2,
      zone: 'a',
    })
  })
})

describe("Dubbo's names", () => {
  const name =
    'dubbo%3A%2F%2F10.0.0.1%3A20880%2Fcom.foo.BarService%3Fapplication%3Ddemo%26interface%3Dcom.foo.BarService%26side%3Dprovider'

  test('are read', () => {
    expect(dubbo.decode('com.foo.BarService', name, new Uint8Array(0))).toMatchObject({
      name: 'com.foo.BarService',
      id: '10.0.0.1:20880',
      address: '10.0.0.1',
      port: 20880,
      weight: 1,
      enabled: true,
      metadata: { application: 'demo', side: 'provider', protocol: 'dubbo', path: 'com.foo.BarService' },
    })
  })

  test('are written with parameters in order, and encoded as a form', () => {
    const metadata = { application: 'demo', path: 'com.foo.BarService' }
    const own = { ...plain, name: 'com.foo.BarService', port: 20880, metadata, registeredAt: undefined }
    expect(formDecode(dubbo.nodeName(own))).toBe(
      'dubbo://10.0.0.1:20880/com.foo.BarService?application=demo&category=providers&interface=com.foo.BarService&side=provider',
    )
    const heavy = dubbo.decode(
      'x',
      dubbo.nodeName({ ...own, weight: 2.5, zone: 'a', enabled: false }),
      new Uint8Array(0),
    )
    expect(heavy).toMatchObject({ weight: 2.5, zone: 'a', enabled: false })
    expect(dubbo.directory('/dubbo', 'a/b c')).toBe('/dubbo/a%2Fb+c/providers')
  })

  test.each([
    [0, '0'],
    [1e-9, '1'],
    [0.1, '10'],
    [1e300, '2147483647'],
    [Number.MAX_VALUE, '2147483647'],
  ])('are written with a weight that Dubbo reads: %d', (weight, written) => {
    const name = dubbo.nodeName({ ...plain, name: 'com.foo.BarService', port: 20880, weight })
    expect(parseDubboUrl(formDecode(name)).parameters).toMatchObject({ weight: written })
  })

  test('are encoded as java.net.URLEncoder does', () => {
    expect(formEncode("a b!'()~*-._/ü")).toBe('a+b%21%27%28%29%7E*-._%2F%C3%BC')
    expect(formDecode('a+b%21*')).toBe('a b!*')
  })

  test.each(['dubbo://user:pw@10.0.0.1:20880/x?a=1&b', 'tri://[::1]:50051/x', 'rest://host/a/b/c?empty='])(
    'survive reading: %s',
    (url) => {
      const read = parseDubboUrl(url)
      expect(parseDubboUrl(formatDubboUrl(read))).toEqual({
        ...read,
        parameters: Object.fromEntries(Object.entries(read.parameters).filter(([, value]) => value !== '')),
      })
    },
  )

  test.each(['', 'nothing', 'empty%3A%2F%2F0.0.0.0%2Fx', '%zz', 'dubbo%3A%2F%2F'])('are refused: %s', (broken) => {
    expect(() => dubbo.decode('x', broken, new Uint8Array(0))).toThrow()
  })
})
