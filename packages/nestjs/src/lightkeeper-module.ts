/**
 * A module for NestJS that provides clients of ZooKeeper. Providers that inject a client are made after it has a session; it is
 * closed when the application has shut down, after `onModuleDestroy` of every other provider.
 */
import { type Client, type ConnectOptions, type ConnectTarget, connect, type Log } from '@lightkeeper/client'
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Logger,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common'

/** The options of `connect`, and the connect string. */
export interface ClientOptions extends Omit<ConnectOptions, 'signal'> {
  /** Servers and an optional chroot, `zk1:2181,zk2:2181/shop`. */
  readonly servers: ConnectTarget
  /**
   * Ends the attempt to connect, and closes the client when it has connected. Nest closes nothing after a start that failed: a program that
   * goes on then, with `abortOnError: false`, aborts this signal. Default: none.
   */
  readonly signal?: AbortSignal | undefined
}

/** What is fixed when the module is declared. */
export interface Placement {
  /** The name by which the client is injected. Default `default`. Use another one for a second ensemble. */
  readonly name?: string
  /** Whether every module sees the client without importing this one. Default false. */
  readonly isGlobal?: boolean
}

/** A client whose options are made by a factory when the application starts. */
export interface AsyncClientOptions extends Placement, Pick<ModuleMetadata, 'imports'> {
  /** Providers whose values are the arguments of `useFactory`, for example Nest's ConfigService. */
  readonly inject?: NonNullable<FactoryProvider['inject']>
  /** Makes the options from the values of `inject`, in their order, when the application starts. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the types of the arguments are those of `inject`, which Nest does not relate
  readonly useFactory: (...args: any[]) => ClientOptions | Promise<ClientOptions>
}

/** The token of a client, for `inject` of factories and for tests that override the provider. */
export function clientToken(name = 'default'): string {
  return `lightkeeper:client:${name}`
}

/** Injects the client into a parameter of a constructor: `constructor(@InjectClient() private readonly zk: Client)`. */
export function InjectClient(name?: string): ReturnType<typeof Inject> {
  return Inject(clientToken(name))
}

/** The module. Each use of it provides one client, which is closed when the application has shut down. */
export class LightkeeperModule {
  /** A client with options that are known now. The start fails as `connect` does. */
  static forRoot(options: ClientOptions & Placement): DynamicModule {
    const { name, isGlobal, ...own } = options
    return LightkeeperModule.forRootAsync({
      ...(name !== undefined && { name }),
      ...(isGlobal !== undefined && { isGlobal }),
      useFactory: () => own,
    })
  }

  /** A client whose options come from other providers. */
  static forRootAsync(options: AsyncClientOptions): DynamicModule {
    const { name = 'default', isGlobal = false, imports = [], inject = [], useFactory } = options
    const token = clientToken(name)
    const client: FactoryProvider<Client> = {
      provide: token,
      inject,
      useFactory: async (...args: unknown[]) => {
        const { servers, ...more } = await useFactory(...args)
        const zk = await connect(servers, { log: nestLog, ...more })
        // A failed close is in the log; nobody waits for it here.
        more.signal?.addEventListener('abort', () => void zk.close(), { once: true })
        return zk
      },
    }
    const closing: FactoryProvider<OnApplicationShutdown> = {
      provide: `${token}:closing`,
      inject: [token],
      useFactory: (zk: Client) => ({ onApplicationShutdown: async () => void (await zk.close()) }),
    }
    return { module: LightkeeperModule, global: isGlobal, imports, providers: [client, closing], exports: [token] }
  }
}

// The decorator as a call: this file needs no compiler option for decorators.
Module({})(LightkeeperModule)

const logger = new Logger('Lightkeeper')
const ways = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const

const nestLog: Log = (level, message, facts) => {
  const told = Object.entries(facts ?? {}).map(([name, value]) => ` ${name}=${String(value)}`)
  logger[ways[level]](message + told.join(''))
}
