/** The set-up of test files: a server of the target, two clients on it, and a path of its own for each test. */
import { type Client, type ConnectOptions, connect, type ZnodePath } from '@lightkeeper/client'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { startTarget, type TargetServer, type TargetSettings } from './target.ts'

export interface TwoClients {
  readonly server: TargetServer
  readonly a: Client
  readonly b: Client
  /** Unique for the test; nothing is there yet. */
  readonly path: ZnodePath
}

/** Two new clients, with sessions of 4 s, for each test of the calling file or `describe`. `given` gets them before each test. */
export function twoClientsEachTest(under: ZnodePath, given: (clients: TwoClients) => void): void {
  let server: TargetServer
  let clients: readonly Client[] = []
  let count = 0
  beforeAll(async () => {
    server = await startTarget({ tickTime: 500 })
  })
  afterAll(() => server?.close())
  beforeEach(async () => {
    const [a, b] = await two(server, { sessionTimeout: 4000 })
    clients = [a, b]
    given({ server, a, b, path: `${under}/${++count}` })
  })
  afterEach(() => Promise.all(clients.map((client) => client.close())))
}

/** The same two clients for all tests of the calling file or `describe`. `given` gets them, and a new path, before each test. */
export function twoClients(
  under: ZnodePath,
  given: (clients: TwoClients) => void,
  settings: TargetSettings = { tickTime: 500 },
): void {
  let server: TargetServer
  let clients: readonly [Client, Client]
  let count = 0
  beforeAll(async () => {
    server = await startTarget(settings)
    clients = await two(server, {})
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()))
    await server.close()
  })
  beforeEach(() => {
    const [a, b] = clients
    given({ server, a, b, path: `${under}/${++count}` })
  })
}

async function two({ connectString }: TargetServer, options: ConnectOptions): Promise<readonly [Client, Client]> {
  return Promise.all([connect(connectString, options), connect(connectString, options)])
}
