/** The plugin in a real application, over a server in memory. */
import { get } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Client, connect } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import { type FastifyInstance, fastify } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lightkeeper } from './index.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer({ port: 0 })
})
afterAll(() => server.close())

/** An application with the plugin, closed at the end of the test. */
async function withApp(make: (app: FastifyInstance) => void, use: (app: FastifyInstance) => Promise<void>) {
  const app = fastify()
  make(app)
  try {
    await use(app)
  } finally {
    await app.close()
  }
}

test('routes of every context use the client, and it is closed when the application is', async () => {
  const app = fastify()
  app.register(lightkeeper, { servers: server, sessionTimeout: 10_000 })
  app.register(async (child) => {
    child.get('/config', async () => {
      const { path } = await child.zk.create('/config', 'x', { parents: true })
      return { path }
    })
  })
  const answer = await app.inject('/config')
  expect(answer.json()).toEqual({ path: '/config' })
  const { zk } = app
  expect(zk.state.kind).toBe('connected')
  await app.close()
  expect(zk.state.kind).toBe('closed')
})

test('a request that is under way when the application closes still has its client', async () => {
  const app = fastify()
  app.register(lightkeeper, { servers: server })
  let begun = (): void => {}
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  let goOn = (): void => {}
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  app.get('/slow', async () => {
    begun()
    await mayGoOn
    return { made: (await app.zk.create('/slow', 'x')).path }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  // Without an agent the connection ends with its answer, and does not keep the server.
  const answer = new Promise<string>((resolve, reject) => {
    const request = get(`${url}/slow`, { agent: false }, (response) => resolve(text(response)))
    request.once('error', reject)
  })
  await isBegun
  const closed = app.close()
  goOn()
  expect(JSON.parse(await answer)).toEqual({ made: '/slow' })
  await closed
})

test('two clients have two names, and a name that is taken is refused before anything is connected', async () => {
  const make = (app: FastifyInstance): void => {
    app.register(lightkeeper, { servers: server })
    app.register(lightkeeper, { servers: `${server.connectString}/`, name: 'second' })
  }
  await withApp(make, async (app) => {
    await app.ready()
    expect(app.hasDecorator('second')).toBe(true)
  })
  const twice = (app: FastifyInstance): void => {
    app.register(lightkeeper, { servers: server })
    app.register(lightkeeper, { servers: server })
  }
  await withApp(twice, async (app) => {
    await expect(app.ready()).rejects.toThrow('the application has "zk" already')
  })
})

test('a client of the program stays open, and options that would have no effect are refused', async () => {
  const zk = await connect(server)
  await withApp(
    (app) => void app.register(lightkeeper, { client: zk }),
    async (app) => {
      await app.ready()
      expect(app.zk).toBe(zk)
    },
  )
  expect(zk.state.kind).toBe('connected')
  const refused: readonly (readonly [options: object, message: string])[] = [
    [{ client: zk, sessionTimeout: 5_000 }, '"sessionTimeout" has no effect beside "client"'],
    [{ client: zk, servers: server }, '"servers" has no effect beside "client"'],
    [{}, 'give "servers" or "client"'],
    [{ servers: server, sesionTimeout: 1 }, 'sesionTimeout'],
  ]
  for (const [options, message] of refused) {
    await withApp(
      (app) => void app.register(lightkeeper, options),
      (app) => expect(app.ready()).rejects.toThrow(message),
    )
  }
  await zk.close()
})

test('where no server is reached, the error names the servers before Fastify ends the start', async () => {
  const app = fastify({ pluginTimeout: 200 })
  app.register(lightkeeper, { servers: '127.0.0.1:1' })
  const error: unknown = await app.ready().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AggregateError)
  expect((error as AggregateError).message).toContain('127.0.0.1:1')
  await app.close()
})

test('the lines of the client are in the log of the application, unless the program says where they go', async () => {
  const lines: string[] = []
  const make = (log?: 'error') => {
    const app = fastify({ logger: { level: 'debug', stream: { write: (line: string) => void lines.push(line) } } })
    app.register(lightkeeper, { servers: server, ...(log && { log }) })
    return app
  }
  const app = make()
  await app.ready()
  await app.close()
  const told = lines
    .map((line) => JSON.parse(line) as { msg: string })
    .filter(({ msg }) => msg.startsWith('lightkeeper: '))
  expect(told.length).toBeGreaterThan(0)
  lines.length = 0
  const quiet = make('error')
  await quiet.ready()
  await quiet.close()
  expect(lines.filter((line) => line.includes('lightkeeper: '))).toEqual([])
})

test('a start that fails after the client has connected leaves no client behind the application', async () => {
  const app = fastify()
  app.register(lightkeeper, { servers: server })
  app.register(async () => {
    throw new Error('no such table')
  })
  await expect(app.ready()).rejects.toThrow('no such table')
  const { zk } = app
  expect(zk.state.kind).toBe('connected')
  await app.close()
  expect(zk.state.kind).toBe('closed')
})

test('an application that is closed while its client connects ends the attempt', async () => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const reached = new Promise<Socket>((resolve) => silent.once('connection', resolve))
  const app = fastify({ pluginTimeout: 100 })
  const { port } = silent.address() as AddressInfo
  app.register(lightkeeper, { servers: `127.0.0.1:${port}`, connectTimeout: 600_000 })
  await expect(app.ready()).rejects.toThrow('did not start in time')
  const socket = await reached
  const ended = new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
  await app.close()
  // Not after ten minutes.
  await ended
  await new Promise((resolve) => silent.close(resolve))
})

test('a client that connects after Fastify has given up the start is closed', async () => {
  const first = await startServer({ port: 0 })
  const { connectString } = first
  await first.close()
  const app = fastify({ pluginTimeout: 100 })
  let late: Client | undefined
  const wrapped: typeof lightkeeper = async (context, options) => {
    const decorate = context.decorate.bind(context)
    context.decorate = ((name: string, zk: Client) => {
      late = zk
      return decorate(name, zk)
    }) as typeof context.decorate
    await lightkeeper(context, options)
  }
  app.register(wrapped, { servers: connectString, connectTimeout: 600_000 })
  await expect(app.ready()).rejects.toThrow('did not start in time')
  const second = await startServer({ port: Number(connectString.split(':').at(-1)) })
  await expect.poll(() => late?.state.kind, { timeout: 50_000 }).toBe('closed')
  await app.close()
  await second.close()
})
