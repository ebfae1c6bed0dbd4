/** The module in a real application context, over a server in memory. */
import 'reflect-metadata'
import type { Client } from '@lightkeeper/client'
import { type RunningServer, startServer } from '@lightkeeper/server'
import type { DynamicModule, INestApplicationContext, OnModuleDestroy, Provider } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { clientToken, InjectClient, LightkeeperModule } from './index.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer({ port: 0 })
})
afterAll(() => server.close())

/** A provider as users write it; the decorators are called, as a compiler would. */
class Settings implements OnModuleDestroy {
  readonly zk: Client
  lastState = ''

  constructor(zk: Client) {
    this.zk = zk
  }

  async onModuleDestroy(): Promise<void> {
    // What a service does last: its client must still have its session.
    this.lastState = this.zk.state.kind
    await this.zk.create('/last-words', 'x', { mode: 'ephemeral' })
  }
}
InjectClient()(Settings, undefined, 0)

/** An application without a server of its own, from modules that are declared here. */
function started(imports: DynamicModule[], providers: Provider[] = []): Promise<INestApplicationContext> {
  class AppModule {}
  const module = { module: AppModule, imports, providers }
  return NestFactory.createApplicationContext(module, { logger: false, abortOnError: false })
}

test('providers get the client, use it until they are destroyed, and then it is closed', async () => {
  const app = await started([LightkeeperModule.forRoot({ servers: server, sessionTimeout: 10_000 })], [Settings])
  const settings = app.get(Settings)
  expect((await settings.zk.create('/settings', 'x')).path).toBe('/settings')
  await app.close()
  expect([settings.lastState, settings.zk.state.kind]).toEqual(['connected', 'closed'])
})

test('options come from other providers', async () => {
  class Address {
    readonly servers = server.connectString
  }
  class AddressModule {}
  const address: DynamicModule = { module: AddressModule, providers: [Address], exports: [Address] }
  const app = await started([
    LightkeeperModule.forRootAsync({
      name: 'later',
      imports: [address],
      inject: [Address],
      useFactory: async ({ servers }: Address) => ({ servers }),
    }),
  ])
  const zk = app.get<Client>(clientToken('later'), { strict: false })
  expect(zk.state.kind).toBe('connected')
  await app.close()
  expect(zk.state.kind).toBe('closed')
})

test('two ensembles have two names; a global client needs no import', async () => {
  class Feature {
    readonly both: readonly [Client, Client]

    constructor(first: Client, second: Client) {
      this.both = [first, second]
    }
  }
  InjectClient()(Feature, undefined, 0)
  InjectClient('second')(Feature, undefined, 1)
  class FeatureModule {}
  const app = await started([
    LightkeeperModule.forRoot({ servers: server, isGlobal: true }),
    LightkeeperModule.forRoot({ servers: server, name: 'second', isGlobal: true }),
    { module: FeatureModule, providers: [Feature] },
  ])
  const { both } = app.get(Feature, { strict: false })
  expect(both[0]).not.toBe(both[1])
  expect(both.map(({ state }) => state.kind)).toEqual(['connected', 'connected'])
  await app.close()
  expect(both.map(({ state }) => state.kind)).toEqual(['closed', 'closed'])
})

test('a client that is not global is seen only by modules that import it', async () => {
  class FeatureModule {}
  const feature = { module: FeatureModule, providers: [Settings] }
  await expect(started([LightkeeperModule.forRoot({ servers: server }), feature])).rejects.toThrow(clientToken())
})

test('where no server is reached, the start fails with a cause for each server', async () => {
  const module = LightkeeperModule.forRoot({ servers: '127.0.0.1:1', connectTimeout: 100 })
  await expect(started([module])).rejects.toThrow('127.0.0.1:1')
})

test('the lines of the client go to the logger of Nest', async () => {
  const lines: string[] = []
  const told = (message: string, context: string): void => void lines.push(`${context}: ${message}`)
  class AppModule {}
  const app = await NestFactory.createApplicationContext(
    { module: AppModule, imports: [LightkeeperModule.forRoot({ servers: server })] },
    { logger: { log: told, error: told, warn: told, debug: told } },
  )
  await app.close()
  expect(lines.filter((line) => line.startsWith('Lightkeeper: ')).length).toBeGreaterThan(0)
})

test.each([
  ['a provider cannot be made', () => Promise.reject(new Error('no such table'))],
  ['a provider does not come up', () => ({ onModuleInit: () => Promise.reject(new Error('no such table')) })],
])('after a start that failed because %s, the signal closes the client', async (_, make) => {
  const stop = new AbortController()
  const { signal } = stop
  let zk: Client | undefined
  const failing: Provider = {
    provide: 'failing',
    inject: [clientToken()],
    useFactory: (client: Client) => {
      zk = client
      return make()
    },
  }
  await expect(started([LightkeeperModule.forRoot({ servers: server, signal })], [failing])).rejects.toThrow(
    'no such table',
  )
  expect(zk?.state.kind).toBe('connected')
  const states = zk?.states()
  stop.abort()
  for await (const state of states ?? []) if (state.kind === 'closed') break
  expect(zk?.state.kind).toBe('closed')
})

test('a client whose start was ended by the signal does not connect', async () => {
  const stop = new AbortController()
  const module = LightkeeperModule.forRoot({ servers: '127.0.0.1:1', connectTimeout: 600_000, signal: stop.signal })
  const start = started([module])
  stop.abort(new Error('the program stops'))
  await expect(start).rejects.toThrow('the program stops')
})

test('the client is closed where the program is ended by a signal, before the process ends', async () => {
  const app = await started([LightkeeperModule.forRoot({ servers: server })])
  const zk = app.get<Client>(clientToken(), { strict: false })
  let ended = (): void => {}
  const isEnded = new Promise<void>((resolve) => {
    ended = resolve
  })
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    ended()
    return true
  })
  app.enableShutdownHooks()
  process.emit('SIGTERM', 'SIGTERM')
  // Nest repeats the signal when it has closed, and that ends the process.
  await isEnded
  expect([kill.mock.calls, zk.state.kind]).toEqual([[[process.pid, 'SIGTERM']], 'closed'])
  kill.mockRestore()
})
