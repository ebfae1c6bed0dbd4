/** An instance that stays registered, whatever happens to connections, sessions and its znode, until it is closed. */
import type { Acl, Client, ZnodePath } from '@lightkeeper/client'
import { below } from '../common/paths.ts'
import { uniqueName } from '../common/unique-name.ts'
import { type PersistentNode, type PersistentNodeState, persistentNode } from '../persistent-node/persistent-node.ts'
import type { Format } from './format.ts'
import { checkRegistering, type Registering, type ServiceInstance } from './instance.ts'

export interface RegisterOptions {
  /** Default: everybody may do everything. */
  readonly acl?: readonly Acl[]
  /** Ends the wait for the registration; nothing is left then. */
  readonly signal?: AbortSignal | undefined
}

/** What is named changes; undefined takes it away. */
export type InstanceChange = Partial<Omit<Registering, 'name' | 'id'>>

export class Registration implements AsyncDisposable {
  readonly #zk: Client
  readonly #format: Format
  readonly #directory: ZnodePath
  readonly #options: RegisterOptions
  #said: Registering
  #instance: ServiceInstance
  #node: PersistentNode
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  #isClosed = false

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
    said: Registering,
    options: RegisterOptions,
  ): Promise<Registration> {
    checkRegistering(said)
    const instance = instanceOf(said, said.id ?? uniqueName(zk.random), new Date(zk.clock.wall()))
    const directory = format.directory(base, said.name)
    const node = await keep(zk, format, directory, instance, options)
    return new Registration(zk, format, directory, options, said, instance, node)
  }

  /** What consumers are told, now or as soon as a server is reached. */
  get instance(): ServiceInstance {
    return this.#instance
  }

  get path(): ZnodePath {
    return this.#node.path
  }

  /** Whether consumers can see it: `taken` where somebody else has its id. */
  get state(): PersistentNodeState {
    return this.#node.state
  }

  /** Resolves when the server has it. */
  update(change: InstanceChange): Promise<void> {
    const said = { ...this.#said, ...change }
    checkRegistering(said)
    const done = this.#changes.then(() => this.#become(said))
    this.#changes = done.catch(() => {})
    return done
  }

  /** Takes no calls any more, and stays visible: what is on its way can end before `close`. */
  drain(): Promise<void> {
    return this.update({ enabled: false })
  }

  /** Resolves when it is gone, or bound to go with the session. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#node.close()
    // A change that was made meanwhile may have put another in its place.
    await this.#changes
    await this.#node.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #become(said: Registering): Promise<void> {
    const instance = instanceOf(said, this.#instance.id, this.#instance.registeredAt)
    const name = this.#format.nodeName(instance)
    this.#said = said
    this.#instance = instance
    if (below(this.#directory, name) === this.#node.path) return this.#node.set(this.#format.encode(instance))
    // The name says it all: first the new one, so that it is never missing.
    const before = this.#node
    if (this.#isClosed) return
    this.#node = await keep(this.#zk, this.#format, this.#directory, instance, { acl: this.#options.acl ?? [] })
    await before.close()
  }
}

function keep(
  zk: Client,
  format: Format,
  directory: ZnodePath,
  instance: ServiceInstance,
  { acl = [], signal }: RegisterOptions,
): Promise<PersistentNode> {
  const name = format.nodeName(instance)
  return persistentNode(zk, below(directory, name), format.encode(instance), {
    parents: format.parents,
    isLeftover: (data) => isSame(format, name, data, instance),
    signal,
    ...(acl.length === 0 ? {} : { acl }),
  })
}

/** Whether an earlier process left it: the same instance at the same address. At another address it may belong to somebody else. */
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
