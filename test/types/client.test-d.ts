/** What the compiler must infer, and what it must refuse, where users write it. Checked by `tsc`, never run. */
import type { ConnectionOptions } from 'node:tls'
import {
  type ChangedChange,
  type Client,
  type Codec,
  type ConnectOptions,
  type CreatedInTransaction,
  type CreateOptions,
  type CreateResult,
  connect,
  json,
  KeeperError,
  op,
  type ReadOptions,
  type SessionState,
  type StandardSchema,
  type TransactionOp,
  text,
  type WatchChange,
  type ZnodeHandle,
  type ZnodePath,
  type ZnodeStat,
} from '@lightkeeper/client'
import * as everything from 'lightkeeper'
import { describe, expectTypeOf, test } from 'vitest'

declare const zk: Client
declare const options: ConnectionOptions
declare const anyPath: string

interface Db {
  readonly pool: number
}
declare const schema: StandardSchema<Db>

describe('paths', () => {
  test('must begin with a slash in every call', () => {
    expectTypeOf<'/config'>().toExtend<ZnodePath>()
    expectTypeOf<'config'>().not.toExtend<ZnodePath>()
    expectTypeOf<''>().not.toExtend<ZnodePath>()
    expectTypeOf<string>().not.toExtend<ZnodePath>()
    // @ts-expect-error no slash
    void zk.get('config')
    // @ts-expect-error no slash
    void zk.create('config', 'data')
    // @ts-expect-error no slash
    void zk.delete('config')
    // @ts-expect-error no slash
    zk.watch('config')
    // @ts-expect-error no slash
    zk.node('config')
    // @ts-expect-error any string
    void zk.exists(anyPath)
    // @ts-expect-error no slash
    void zk.copy('/from', 'to')
    // @ts-expect-error no slash
    op.create('config')
    // @ts-expect-error no slash
    op.set('config', 'data')
    // @ts-expect-error no slash
    op.delete('config')
    // @ts-expect-error no slash
    op.check('config', 1)
    void zk.get(`/users/${anyPath}`)
  })

  test('that may be missing give a Stat or undefined, and no watch', () => {
    expectTypeOf(zk.exists('/a')).resolves.toEqualTypeOf<ZnodeStat | undefined>()
    // @ts-expect-error existence() has one
    void zk.exists('/a', { watch: true })
  })

  test('of results can be used as they are', () => {
    expectTypeOf<CreateResult['path']>().toEqualTypeOf<ZnodePath>()
    expectTypeOf<CreatedInTransaction['path']>().toEqualTypeOf<ZnodePath>()
    expectTypeOf(zk.ephemerals()).resolves.toEqualTypeOf<ZnodePath[]>()
  })
})

describe('results of a transaction', () => {
  test('are a tuple, one per operation', () => {
    const results = zk.transaction(op.create('/a'), op.check('/b', 7), op.set('/c', 'x'), op.delete('/d'))
    expectTypeOf(results).resolves.toEqualTypeOf<[CreatedInTransaction, undefined, ZnodeStat, undefined]>()
  })

  test('of a list that was made elsewhere are a list', () => {
    const sets = ['/a', '/b'].map((path) => op.set(path as ZnodePath, 'x'))
    expectTypeOf(zk.transaction(...sets)).resolves.toEqualTypeOf<ZnodeStat[]>()
  })

  test('follow operations of a helper', () => {
    const guard = (): TransactionOp<undefined> => op.check('/lock', 0)
    expectTypeOf(zk.transaction(guard(), op.create('/a'))).resolves.toEqualTypeOf<[undefined, CreatedInTransaction]>()
  })

  test('end where the operations end', async () => {
    const results = await zk.transaction(op.check('/a'), op.check('/b'))
    // @ts-expect-error there is no third
    expectTypeOf(results[2]).toBeUndefined()
  })
})

describe('codecs', () => {
  test('give a handle its type', () => {
    expectTypeOf(zk.node('/a')).toEqualTypeOf<ZnodeHandle<Uint8Array>>()
    expectTypeOf(zk.node('/a', text)).toEqualTypeOf<ZnodeHandle<string>>()
    expectTypeOf(zk.node('/a', json())).toEqualTypeOf<ZnodeHandle<unknown>>()
    expectTypeOf(zk.node('/a', json(schema))).toEqualTypeOf<ZnodeHandle<Db>>()
    expectTypeOf(json(schema)).toEqualTypeOf<Codec<Db>>()
    const db = zk.node('/a', json(schema))
    expectTypeOf(db.get()).resolves.toExtend<{ value: Db; stat: ZnodeStat }>()
    expectTypeOf<Awaited<ReturnType<typeof db.find>>>().extract<undefined>().toEqualTypeOf<undefined>()
    void db.update((value) => {
      expectTypeOf(value).toExtend<Db | undefined>()
      return { pool: 1 }
    })
    // @ts-expect-error not what the codec writes
    void db.set({ pool: 'many' })
  })

  test('give a stream its type', () => {
    expectTypeOf<Extract<WatchChange, { path: unknown }>['path']>().toEqualTypeOf<ZnodePath>()
    expectTypeOf(zk.watch('/a')).toEqualTypeOf<AsyncGenerator<WatchChange, void, void>>()
    expectTypeOf(zk.watch('/a', { codec: text })).toEqualTypeOf<AsyncGenerator<WatchChange<string>, void, void>>()
    expectTypeOf(zk.watch('/a', { codec: json(schema) })).toEqualTypeOf<AsyncGenerator<WatchChange<Db>, void, void>>()
  })
})

describe('changes', () => {
  test('differ by their kind, all of them', () => {
    const use = (change: WatchChange<Db>): number => {
      switch (change.kind) {
        case 'created':
          expectTypeOf(change.value).toEqualTypeOf<Db>()
          expectTypeOf(change.missed).toEqualTypeOf<number>()
          return change.value.pool
        case 'changed':
          expectTypeOf(change).toEqualTypeOf<ChangedChange<Db>>()
          expectTypeOf(change.previous.value).toEqualTypeOf<Db>()
          expectTypeOf(change.missed).toEqualTypeOf<number>()
          return change.missed
        case 'deleted':
          expectTypeOf(change).not.toHaveProperty('value')
          return change.previous?.value.pool ?? 0
        case 'unreadable':
          expectTypeOf(change.error).toBeUnknown()
          return change.data?.length ?? 0
        case 'ready':
          expectTypeOf(change.zxid).toEqualTypeOf<bigint>()
          return 0
        case 'stale':
          expectTypeOf(change.since).toEqualTypeOf<Date>()
          return 0
        default:
          expectTypeOf(change).toBeNever()
          return change satisfies never
      }
    }
    expectTypeOf(use).returns.toBeNumber()
  })

  test('of the session differ by their kind, all of them', () => {
    const use = (state: SessionState): number => {
      switch (state.kind) {
        case 'connecting':
        case 'closed':
          return state.epoch
        case 'connected':
          return state.sessionTimeout
        case 'disconnected':
          return state.reason.length
        case 'expired':
          return state.lost.oneShotWatches
        case 'saslAuthenticated':
          return state.mechanism.length
        case 'authFailed':
          return state.scheme.length
        default:
          return state satisfies never
      }
    }
    expectTypeOf(use).returns.toBeNumber()
    // @ts-expect-error a value is there only with some kinds
    expectTypeOf<WatchChange<Db>['value']>()
  })
})

describe('options', () => {
  test('are exact: what does not exist is refused', () => {
    // @ts-expect-error sessionTimeout
    void connect('h', { sessionTimeOut: 1 })
    // @ts-expect-error milliseconds are a number
    void connect('h', { sessionTimeout: '15s' })
    // @ts-expect-error `renew` or `close`
    void connect('h', { onExpired: 'exit' })
    // @ts-expect-error versions are for writes
    void zk.get('/a', { version: 1 })
    // @ts-expect-error the snapshot is the watch
    void zk.find('/a', { watch: true })
    // @ts-expect-error there is `sequential` for that
    void zk.create('/a', '', { mode: 'ephemeralSequential' })
    // @ts-expect-error recursive is for delete
    void zk.set('/a', '', { recursive: true })
    // @ts-expect-error data is bytes or text
    void zk.set('/a', { pool: 1 })
    // @ts-expect-error a chroot is no option
    zk.watch('/a', { chroot: '/b' })
  })

  test('allow undefined for what callers pass on, and for nothing else', () => {
    expectTypeOf<{ signal: AbortSignal | undefined; timeout: number | undefined }>().toExtend<ReadOptions>()
    expectTypeOf<{ signal: undefined }>().toExtend<ConnectOptions>()
    expectTypeOf<{ sessionTimeout: undefined }>().not.toExtend<ConnectOptions>()
    expectTypeOf<{ ttl: number }>().toExtend<NonNullable<CreateOptions['mode']>>()
  })
})

describe('errors', () => {
  test('are narrowed by their code', () => {
    const use = (error: unknown): string => {
      if (KeeperError.is(error, 'BAD_VERSION')) {
        expectTypeOf(error).toEqualTypeOf<KeeperError<'BAD_VERSION'>>()
        expectTypeOf(error.code).toEqualTypeOf<'BAD_VERSION'>()
        return error.path ?? ''
      }
      if (KeeperError.is(error)) {
        expectTypeOf(error.outcome).toEqualTypeOf<'not-sent' | 'unknown' | 'rejected'>()
        return error.code
      }
      expectTypeOf(error).toBeUnknown()
      return ''
    }
    expectTypeOf(use).returns.toBeString()
    // @ts-expect-error no such code
    KeeperError.is(new Error(), 'NO_NODES')
  })
})

describe('the package `lightkeeper`', () => {
  test('has the same types', () => {
    expectTypeOf<everything.Client>().toEqualTypeOf<Client>()
    expectTypeOf(everything.connect).toEqualTypeOf(connect)
    expectTypeOf(everything.op).toEqualTypeOf(op)
  })
})

describe('options of TLS', () => {
  test('are what tls.connect takes', () => {
    void connect('host', { tls: options })
    void connect('host', { tls: { checkServerIdentity: (_host, { fingerprint256 }) => new Error(fingerprint256) } })
    // @ts-expect-error a misspelt option
    void connect('host', { tls: { certificate: '' } })
  })
})
