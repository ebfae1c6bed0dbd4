/** `lightkeeper register`: registers an instance of a service for as long as a command runs. */
import { randomUUID } from 'node:crypto'
import { connect as dial } from 'node:net'
import type { Client } from '@lightkeeper/client'
import { type Discovery, discovery, type Registering, type Registration } from '@lightkeeper/recipes'
import { type Run, UsageError } from '../command.ts'
import { connectBy, connectionOf } from '../connect.ts'
import { Reports } from '../reports.ts'
import { Signals } from '../signals.ts'
import { atMost, exitCodeFor, leave, leaveMs } from '../supervise/running.ts'
import { supervise } from '../supervise/supervise.ts'
import type { register } from '../table/recipes.ts'
import { checkServiceName } from './discover.ts'

export const run: Run<typeof register> = async ({ values, args, command, connecting }) => {
  const instance = instanceOf(args.name, values)
  const reports = new Reports('register', values)
  const connection = await connectionOf(connecting)
  using signals = new Signals()
  let zk: Client | undefined
  let late: NodeJS.Timeout | undefined
  let presence: Presence | undefined
  try {
    zk = await connectBy(connection, { signal: signals.signal })
    signals.signal.throwIfAborted()
    presence = new Presence(discovery(zk, values.base, { format: values.format }), instance, values['wait-port'])
    const { id, name } = instance
    const { present } = presence
    late = setTimeout(() => {
      const why = values['wait-port'] ? 'nothing listens at its port' : `another instance has the id ${id}`
      const isAway = zk !== undefined && zk.state.kind !== 'connected'
      const words = `${name} is not registered yet: ${isAway ? `no server is reached, the client is ${zk?.state.kind}` : why}`
      reports.wait({ name, id }, words)
    }, lateMs)
    const registered = present.then(({ path }) => {
      clearTimeout(late)
      const facts = { name, id, path }
      const words = `${name} is registered as ${id}`
      if (command !== undefined) reports.note('registered', facts, words)
      else process.stdout.write(values.json ? `${JSON.stringify({ event: 'registered', ...facts })}\n` : `${words}\n`)
    })
    if (command === undefined) {
      await Promise.race([registered.then(() => aborted(signals.signal)), aborted(signals.signal)])
      return 0
    }
    const failed = new AbortController()
    registered.catch((error: unknown) => {
      if (!presence?.isLeaving) failed.abort(error)
    })
    const { exitCode, wasStopped } = await supervise({
      command,
      environment: { ...connection.environment, LIGHTKEEPER_SERVICE: name, LIGHTKEEPER_INSTANCE_ID: id },
      signals,
      reports,
      graceMs: values.grace,
      stop: failed.signal,
      async beforeSignal() {
        await atMost(leaveMs, presence?.leave() ?? Promise.resolve())
        reports.note('removed', { name, id }, `${id} is removed`)
        if (values.drain > 0) await new Promise((resolve) => setTimeout(resolve, values.drain))
      },
    })
    if (wasStopped) throw failed.signal.reason
    return exitCode
  } catch (error) {
    return exitCodeFor(error, signals)
  } finally {
    clearTimeout(late)
    if (zk !== undefined) await leave(zk, presence?.leave())
  }
}

/** The time after which the command reports what it waits for, milliseconds. */
const lateMs = 5_000

type Values = Parameters<typeof run>[0]['values']

/** @throws UsageError that names what is wrong. */
function instanceOf(name: string, values: Values): Registering & { readonly id: string } {
  const { address, port, zone, id = randomUUID(), weight, format } = values
  checkServiceName(name, format)
  if (address === undefined) throw new UsageError('--address is missing: where the instance is reached')
  if (port === undefined) throw new UsageError('--port is missing: where the instance is reached')
  return { name, id, address, port, weight, zone, metadata: Object.fromEntries(values.metadata) }
}

/** An instance that is being registered, is registered, or is being removed. */
class Presence {
  /** Rejects if the instance cannot be registered, or was removed before. */
  readonly present: Promise<Registration>
  readonly #end = new AbortController()
  #gone: Promise<void> | undefined

  get isLeaving(): boolean {
    return this.#end.signal.aborted
  }

  constructor(services: Discovery, instance: Registering, waitsForPort: boolean) {
    const { signal } = this.#end
    this.present = (async () => {
      if (waitsForPort) await untilOpen(instance.address, instance.port ?? 0, signal)
      return services.register(instance, { signal })
    })()
    this.present.catch(() => {})
  }

  /** Resolves when it is removed. Never rejects. */
  leave(): Promise<void> {
    this.#gone ??= (async () => {
      this.#end.abort(new Error('it was left before it was registered'))
      const registration = await this.present.catch(() => undefined)
      await registration?.close()
    })()
    return this.#gone
  }
}

/** How often a port that is closed is tried, milliseconds. */
const tryMs = 100

/** Resolves when something accepts connections there. @throws the signal's reason. */
async function untilOpen(host: string, port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = dial({ host, port })
      socket.setTimeout(1_000, () => socket.destroy())
      socket.once('connect', () => {
        resolve(true)
        socket.destroy()
      })
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, tryMs))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
