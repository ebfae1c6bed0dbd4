/**
 * Service discovery on ZooKeeper: an instance is a protected ephemeral sequential znode below /services/<name>, its data says
 * where to reach it. It lives as long as the session of whoever registered it.
 */
import { type Client, KeeperError, type ZnodePath } from 'lightkeeper'

export interface Instance {
  readonly address: string
  readonly port: number
  /** Share of the picks, relative to the other instances. */
  readonly weight: number
}

const directoryOf = (service: string): ZnodePath => `/services/${service}`

/** Keeps `instance` registered until `signal` aborts: also when the session expires and another takes its place. */
export async function register(
  zk: Client,
  service: string,
  instance: Instance,
  signal: AbortSignal,
  onRegistered: (path: string) => void,
): Promise<void> {
  let registeredIn: bigint | undefined
  for await (const state of zk.states({ signal })) {
    if (state.kind !== 'connected' || state.sessionId === registeredIn) continue
    try {
      const { path } = await zk.create(`${directoryOf(service)}/instance-`, JSON.stringify(instance), {
        mode: 'ephemeral',
        sequential: true,
        // A reply lost with its connection is found by its mark, not repeated: one provider, one znode.
        protected: true,
        parents: true,
        signal,
      })
      registeredIn = state.sessionId
      onRegistered(path)
    } catch (error) {
      // The next connected state brings the next try.
      if (!KeeperError.is(error, 'CONNECTION_LOSS') && !KeeperError.is(error, 'SESSION_EXPIRED') && !signal.aborted)
        throw error
    }
  }
}

/** One look: every instance there is now. */
export async function lookUp(zk: Client, service: string): Promise<Instance[]> {
  const directory = directoryOf(service)
  const names = await zk.children(directory).then(
    ({ children }) => children,
    (error: unknown) => {
      if (KeeperError.is(error, 'NO_NODE')) return []
      throw error
    },
  )
  // A znode may vanish between the list and the read: then its provider has gone, and that is no error.
  const found = await Promise.all(names.map((name) => zk.find(`${directory}/${name}`)))
  return found.flatMap((node) => parse(node?.data) ?? [])
}

/** The instances now and after every change. While the connection is away the last known ones stand. */
export async function* follow(
  zk: Client,
  service: string,
  signal: AbortSignal,
): AsyncGenerator<ReadonlyMap<string, Instance>> {
  const instances = new Map<string, Instance>()
  let isComplete = false
  for await (const change of zk.watch(directoryOf(service), { children: true, signal })) {
    if (change.kind === 'stale') isComplete = false
    else if (change.kind === 'ready') isComplete = true
    else if (change.kind === 'deleted' || change.kind === 'unreadable') instances.delete(change.path)
    else {
      const instance = parse(change.value)
      if (instance === undefined) instances.delete(change.path)
      else instances.set(change.path, instance)
    }
    if (isComplete) yield instances
  }
}

/** Picks an instance with a chance proportional to its weight; `chance` is uniform in [0, 1). */
export function pick(instances: Iterable<Instance>, chance: number): Instance | undefined {
  const all = [...instances]
  let left = chance * all.reduce((sum, { weight }) => sum + weight, 0)
  for (const instance of all) {
    left -= instance.weight
    if (left < 0) return instance
  }
  return all.at(-1)
}

/** Undefined for data that is not an instance: whoever wrote it, it must not stop the others. */
function parse(data: Uint8Array | undefined): Instance | undefined {
  if (data === undefined) return undefined
  try {
    const value = JSON.parse(new TextDecoder().decode(data)) as Partial<Instance> | null
    const { address, port, weight } = value ?? {}
    if (typeof address !== 'string' || typeof port !== 'number' || typeof weight !== 'number' || weight < 0)
      return undefined
    return { address, port, weight }
  } catch {
    return undefined
  }
}
