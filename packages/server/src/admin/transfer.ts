/**
 * Snapshots and restores by HTTP (Commands.java: SnapshotCommand, RestoreCommand), and the past. All of them need an `Authorization`
 * header, `<scheme> <credential>`, whose identities have every permission on `/`.
 */
import { type Id, permission } from '@lightkeeper/protocol'
import type { HttpAnswer, HttpRequest, Runtime } from '@lightkeeper/runtime'
import type { ServerConfig } from '../config/config.ts'
import type { Replica } from '../replica.ts'
import type { ServerStats } from '../stats.ts'
import type { Storage } from '../storage/storage.ts'
import { json } from './answers.ts'
import { RateLimit } from './gate.ts'
import { PastPage } from './past.ts'

type Peer = Pick<HttpRequest, 'remoteHost' | 'peerCertificate'>

export interface TransferAccess {
  /** Whether the address failed so often that it is not listened to for a while. */
  isBarred(remoteHost: string): boolean
  /** The identities that the credential, or the certificate of the request, proves; undefined where they prove none. */
  identitiesOf(scheme: string, credential: Uint8Array, request: Peer): readonly Id[] | undefined
  /** Notes a failure of the address. */
  failed(remoteHost: string): void
  /** Whether these identities have one permission on the root. */
  allows(replica: Replica, permissionBit: number, identities: readonly Id[]): boolean
}

export interface TransferServer {
  readonly storage: Storage | undefined
  /**
   * Replaces everything by the snapshot in `body`. Resolves to the zxid that it is at. Rejects with nothing changed where the bytes are
   * no snapshot.
   */
  restore(body: AsyncIterable<Uint8Array>): Promise<bigint>
}

type Settings = Pick<
  ServerConfig,
  'adminSnapshotEnabled' | 'adminRestoreEnabled' | 'adminPastEnabled' | 'adminRateLimiterIntervalMs'
>

export class Transfer {
  readonly #server: TransferServer
  readonly #access: TransferAccess
  readonly #settings: Settings
  readonly #stats: ServerStats
  readonly #runtime: Runtime
  readonly #snapshots: RateLimit
  readonly #restores: RateLimit
  readonly #past = new PastPage()
  #isRestoring = false

  constructor(
    server: TransferServer,
    access: TransferAccess,
    settings: Settings,
    stats: ServerStats,
    runtime: Runtime,
  ) {
    this.#server = server
    this.#access = access
    this.#settings = settings
    this.#stats = stats
    this.#runtime = runtime
    this.#snapshots = new RateLimit(1, settings.adminRateLimiterIntervalMs)
    this.#restores = new RateLimit(1, settings.adminRateLimiterIntervalMs)
  }

  /** Writes a snapshot and streams it, or only says its zxid and size where `streaming` is not true. */
  async snapshot(request: HttpRequest, replica: Replica, query: ReadonlyMap<string, string>): Promise<HttpAnswer> {
    const refusal = this.#authorize('snapshot', request, replica)
    if (refusal !== undefined) return refusal
    const { storage } = this.#server
    if (!this.#settings.adminSnapshotEnabled) return json(503, 'snapshot', { error: 'admin.snapshot.enabled is false' })
    if (storage === undefined) return json(503, 'snapshot', { error: 'data is in memory only' })
    if (!this.#snapshots.allows(this.#runtime.clock.now())) {
      this.#stats.snapshotsRefused++
      return this.#tooSoon('snapshot')
    }
    try {
      const { name, zxid } = await storage.snapshot()
      const { size, content, close } = await storage.snapshotContent(name)
      const headers = { last_zxid: `0x${zxid.toString(16)}`, snapshot_size: `${size}` }
      const isStreaming = (query.get('streaming') ?? 'true').toLowerCase() === 'true'
      if (isStreaming && request.method !== 'HEAD') {
        return { status: 200, headers: { ...headers, 'content-type': 'application/octet-stream' }, body: content() }
      }
      await close()
      const answer = json(200, 'snapshot', {})
      return { ...answer, headers: { ...answer.headers, ...headers } }
    } catch (error) {
      this.#stats.snapshotErrors++
      return this.#failed('snapshot', error)
    }
  }

  /** Replaces everything by the snapshot in the body of the request. */
  async restore(request: HttpRequest, replica: Replica): Promise<HttpAnswer> {
    const refusal = this.#authorize('restore', request, replica)
    if (refusal !== undefined) return refusal
    if (!this.#settings.adminRestoreEnabled) return json(503, 'restore', { error: 'admin.restore.enabled is false' })
    const { clock, log } = this.#runtime
    if (this.#isRestoring || !this.#restores.allows(clock.now())) {
      this.#stats.restoresRefused++
      return this.#tooSoon('restore')
    }
    this.#isRestoring = true
    const begun = clock.now()
    log('warn', 'a restore begins, asked for by HTTP', { client: request.remoteHost })
    try {
      const zxid = await this.#server.restore(request.body)
      this.#stats.restores.add(clock.now() - begun)
      log('warn', 'everything was replaced by a snapshot', { client: request.remoteHost, lastZxid: zxid })
      return json(200, 'restore', { last_zxid: zxid })
    } catch (error) {
      this.#stats.restoreErrors++
      return this.#failed('restore', error)
    } finally {
      this.#isRestoring = false
    }
  }

  /** The files of the past, and their bytes. */
  async past(request: HttpRequest, replica: Replica, query: ReadonlyMap<string, string>): Promise<HttpAnswer> {
    const refusal = this.#authorize('past', request, replica)
    if (refusal !== undefined) return refusal
    if (!this.#settings.adminPastEnabled) return json(503, 'past', { error: 'admin.past.enabled is false' })
    const { storage } = this.#server
    if (storage === undefined) return json(503, 'past', { error: 'data is in memory only' })
    const { log } = this.#runtime
    if (!query.has('file')) log('info', 'the past is read by HTTP', { client: request.remoteHost })
    try {
      return await this.#past.answer(request, storage.past, query)
    } catch (error) {
      return this.#failed('past', error)
    }
  }

  /** The answer to a request that may not do this, undefined where it may. */
  #authorize(command: string, request: HttpRequest, replica: Replica): HttpAnswer | undefined {
    const given = request.header('authorization')
    if (given === undefined) return json(401, command, { error: 'Auth info is missing for the command' })
    const client = request.remoteHost
    const [scheme = '', credential = '', ...rest] = given.split(' ')
    const isBarred = this.#access.isBarred(client)
    const identities =
      isBarred || rest.length > 0
        ? undefined
        : this.#access.identitiesOf(scheme, new TextEncoder().encode(credential), request)
    if (identities === undefined || identities.length === 0) {
      if (!isBarred) this.#access.failed(client)
      this.#runtime.log('warn', `refused a ${command} asked for by HTTP: not authenticated`, { client })
      return json(401, command, { error: 'Not authenticated' })
    }
    // Every bit for itself: two entries of an ACL may give them together.
    const wanted = [permission.read, permission.write, permission.create, permission.delete, permission.admin]
    if (wanted.every((bit) => this.#access.allows(replica, bit, identities))) return undefined
    // A wrong password is another identity, and no failure before this.
    this.#access.failed(client)
    this.#runtime.log('warn', `refused a ${command} asked for by HTTP: not authorized`, { client })
    return json(403, command, { error: 'Not authorized' })
  }

  #tooSoon(command: string): HttpAnswer {
    const seconds = Math.ceil(this.#settings.adminRateLimiterIntervalMs / 1000)
    return json(429, command, { error: `one ${command} in ${seconds} s is allowed (admin.rateLimiterIntervalInMS)` })
  }

  #failed(command: string, error: unknown): HttpAnswer {
    const { message } = error as Error
    this.#runtime.log('error', `a ${command} asked for by HTTP failed`, { cause: message })
    return json(500, command, { error: message })
  }
}
