/** An instance that stays registered until it is closed, whatever happens to connections, sessions and its znode. */
import { type Acl, type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { acl as aclCheck, signal as signalCheck, timeout as timeoutCheck } from '@lightkeeper/client/arguments'
import { callOptions, optionsOf } from '../arguments/options.ts'
import { answerOf } from '../common/call-safely.ts'
import { type LeaveOptions, type LeftBehind, leaveMs, leaving } from '../common/leaving.ts'
import { Limit, type WaitOptions } from '../common/limit.ts'
import { below } from '../common/paths.ts'
import { uniqueName } from '../common/unique-name.ts'
import { type PersistentNode, type PersistentNodeState, persistentNode } from '../persistent-node/persistent-node.ts'
import { checkServiceName, type Format } from './format.ts'
import {
  checkChange,
  checkRegistering,
  type InstanceChange,
  type Registering,
  type ServiceInstance,
} from './instance.ts'

/** The options of `register`. */
export interface RegisterOptions {
  /**
   * The ACL of the instance, and of the directory of its service where it is created. Everybody may use the base and the znodes
   * above it.
   * Default: everybody may do everything.
   */
  readonly acl?: readonly Acl[]
  /** Ends the wait until it is registered; then nothing is left. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until that wait ends with TIMEOUT; then nothing is left. Default: no limit. */
  readonly timeout?: number | undefined
}

const registerOptions = optionsOf<RegisterOptions>({ acl: aclCheck, signal: signalCheck, timeout: timeoutCheck })

/** A registered instance. It is there until this is closed, also after an expired session. */
export class Registration implements AsyncDisposable {
  readonly #zk: Client
  readonly #format: Format
  readonly #directory: ZnodePath
  readonly #options: RegisterOptions
  #said: Registering
  #instance: ServiceInstance
  #node: PersistentNode
  /** Executes one change after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  readonly #end = new AbortController()
  #gone: Promise<LeftBehind | undefined> | undefined

  private constructor(
    zk: Client,
    format: Format,
    directory: ZnodePath,
    options: RegisterOptions,
    said: Registering,
    instance: ServiceInstance,
    node: PersistentNode,
  ) {
    this.#zk = zk
    this.#format = format
    this.#directory = directory
    this.#options = options
    this.#said = said
    this.#instance = instance
    this.#node = node
  }

  /** Use `discovery().register`. */
  static async make(
    zk: Client,
    format: Format,
    base: ZnodePath,
    given: Registering,
    givenOptions: RegisterOptions | undefined,
  ): Promise<Registration> {
    const said = checkRegistering(given, 'register')
    const options = registerOptions(givenOptions, 'register')
    checkServiceName(format, base, said.name, 'register')
    const instance = instanceOf(said, said.id ?? uniqueName(zk.random), new Date(zk.clock.wall()))
    const directory = format.directory(base, said.name)
    const node = await keep(zk, format, directory, instance, options)
    return new Registration(zk, format, directory, options, said, instance, node)
  }

  /** The instance that consumers see, now or as soon as a server is reached. */
  get instance(): ServiceInstance {
    return this.#instance
  }

  /** The znode of the instance. */
  get path(): ZnodePath {
    return this.#node.path
  }

  /** Whether consumers can see it: `taken` means that another session has its id. */
  get state(): PersistentNodeState {
    return this.#node.state
  }

  /**
   * Changes the instance. Resolves when the server has the change.
   * @throws KeeperError as `register`; CLOSED. TIMEOUT after `timeout` (default 5000 ms) and the reason of the signal end only the
   * wait: the change is made as soon as a server is reached.
   */
  async update(change: InstanceChange, options?: WaitOptions): Promise<void> {
    const own = callOptions(options, 'registration.update')
    const said = checkRegistering(
      { ...this.#said, ...checkChange(change, 'registration.update') },
      'registration.update',
    )
    if (this.#end.signal.aborted) throw this.#end.signal.reason
    this.#said = said
    const done = this.#changes.then(() => this.#become(said))
    this.#changes = done.catch(() => {})
    const { signal, timeout = leaveMs } = own
    using limit = new Limit(this.#zk, 'update', this.path, { signal, timeout })
    await limit.until(done)
  }

  /** The instance gets no more calls but stays visible, so that calls under way can end before `close`. Otherwise as `update`. */
  drain(options?: WaitOptions): Promise<void> {
    return this.update({ enabled: false }, options)
  }

  /**
   * Removes it. Resolves to undefined when it is gone, or after `timeout` (default 5000 ms) to a KeeperError that says what may
   * remain until the session ends. Never rejects.
   */
  async close(options?: LeaveOptions): Promise<LeftBehind | undefined> {
    const own = callOptions(options, 'registration.close')
    this.#gone ??= this.#leave()
    return leaving(this.#zk, 'close', this.path, this.#gone, own)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** For logs. */
  toJSON(): Record<string, unknown> {
    return { path: this.path, state: this.state, instance: this.instance }
  }

  async #leave(): Promise<LeftBehind | undefined> {
    const message = 'the registration is closed'
    this.#end.abort(new KeeperError('CLOSED', { path: this.path, operation: 'update', outcome: 'not-sent', message }))
    const unbound = { timeout: Number.POSITIVE_INFINITY }
    const left = await this.#node.close(unbound)
    // A change during the wait may have replaced the node.
    await this.#changes
    return (await this.#node.close(unbound)) ?? left
  }

  async #become(said: Registering): Promise<void> {
    const instance = instanceOf(said, this.#instance.id, this.#instance.registeredAt)
    const name = answerOf(this.#format.nodeName(instance))
    const data = answerOf(this.#format.encode(instance))
    this.#instance = instance
    const unbound = { timeout: Number.POSITIVE_INFINITY }
    if (below(this.#directory, name) === this.#node.path) return this.#node.set(data, unbound)
    // The name contains the whole instance. The new znode is created first, so that the instance is never missing.
    const before = this.#node
    const { acl = [] } = this.#options
    this.#node = await keep(this.#zk, this.#format, this.#directory, instance, { acl, signal: this.#end.signal })
    await before.close(unbound)
  }
}

function keep(
  zk: Client,
  format: Format,
  directory: ZnodePath,
  instance: ServiceInstance,
  { acl = [], signal, timeout }: RegisterOptions,
): Promise<PersistentNode> {
  const name = answerOf(format.nodeName(instance))
  return persistentNode(zk, below(directory, name), answerOf(format.encode(instance)), {
    parents: format.parents,
    isLeftover: (data) => isSame(format, name, data, instance),
    signal,
    timeout,
    ...(acl.length === 0 ? {} : { acl, parentAcl: acl }),
  })
}

/** Whether an earlier process left it: it has the same address. An instance with another address may belong to a live process. */
function isSame(format: Format, nodeName: string, data: Uint8Array, own: ServiceInstance): boolean {
  try {
    const found = format.decode(own.name, nodeName, data)
    return found.address === own.address && found.port === own.port && found.sslPort === own.sslPort
  } catch {
    return false
  }
}

function instanceOf(said: Registering, id: string, registeredAt: Date | undefined): ServiceInstance {
  const { name, address, port, sslPort, weight = 1, zone, metadata = {}, enabled = true, payload } = said
  return { name, id, address, port, sslPort, weight, zone, metadata, enabled, registeredAt, payload }
}
