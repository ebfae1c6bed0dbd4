/** `lightkeeper discover`: where the instances of a service are. */
import { pathProblem } from '@lightkeeper/protocol'
import { type Discovery, discovery, type FormatName, type ServiceInstance } from '@lightkeeper/recipes'
import { type Run, UsageError } from '../command.ts'
import { jsonLine, printable } from '../output.ts'
import { Signals } from '../signals.ts'
import type { discover } from '../table/recipes.ts'

export const run: Run<typeof discover> = async ({ values, args, connect }) => {
  const { name } = args
  const { base, format, json } = values
  if (values.watch && values.pick) throw new UsageError('--watch and --pick exclude each other')
  if (name === undefined && (values.watch || values.pick))
    throw new UsageError('NAME is missing: the name of a service')
  if (name !== undefined) checkServiceName(name, format)
  using signals = new Signals()
  const { signal } = signals
  try {
    await using zk = await connect({ signal })
    const services = discovery(zk, base, { format })
    if (name === undefined) {
      for (const each of await services.names({ signal }))
        process.stdout.write(json ? jsonLine({ name: each }) : `${printable(each)}\n`)
      return 0
    }
    if (values.watch) {
      await follow(services, name, json, signal)
      if (!signal.aborted) throw new Error(`the service is not followed any more: the client is ${zk.state.kind}`)
      return 0
    }
    if (values.pick) return await pick(services, name, json, signal)
    for (const instance of await services.instances(name, { signal }))
      process.stdout.write(json ? jsonLine(factsOf(instance)) : `${lineOf(instance)}\n`)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return 0
}

/** @throws UsageError for a name that is not valid for one znode; Dubbo encodes names, so it allows any. */
export function checkServiceName(name: string, format: FormatName): void {
  if (name === '') throw new UsageError('the name of a service must not be empty')
  const problem = format === 'dubbo' ? undefined : name.includes('/') ? 'it has a slash' : pathProblem(`/${name}`)
  if (problem !== undefined) throw new UsageError(`no name of a service: "${name}": ${problem}`)
}

async function pick(services: Discovery, name: string, json: boolean, signal: AbortSignal): Promise<number> {
  await using resolver = await services.resolve(name, { signal })
  const instance = resolver.pick()
  if (instance === undefined) throw new Error(`no instance of ${name} takes calls`)
  process.stdout.write(json ? jsonLine(factsOf(instance)) : `${printable(addressOf(instance))}\n`)
  return 0
}

async function follow(services: Discovery, name: string, json: boolean, signal: AbortSignal): Promise<void> {
  await using resolver = await services.resolve(name, { signal })
  let before: readonly string[] | undefined
  let wasLive = true
  for await (const instances of resolver.changes({ signal })) {
    const isLive = resolver.freshness.kind === 'live'
    if (json) {
      process.stdout.write(jsonLine({ instances: instances.map(factsOf), freshness: resolver.freshness }))
      continue
    }
    if (isLive !== wasLive) process.stdout.write(isLive ? 'live\n' : 'stale\n')
    wasLive = isLive
    const now = instances.map(lineOf)
    for (const line of differences(before ?? [], now)) process.stdout.write(`${line}\n`)
    before = now
  }
}

/** The lines to print when `before` was shown and `now` is the state. The first word of a line is the id, which is unique. */
export function differences(before: readonly string[], now: readonly string[]): string[] {
  const idOf = (line: string): string => line.slice(0, line.indexOf(' '))
  const known = new Map(before.map((line) => [idOf(line), line]))
  const there = new Set(now.map(idOf))
  const gone = before.filter((line) => !there.has(idOf(line))).map((line) => `- ${line}`)
  const others = now.flatMap((line) => {
    const last = known.get(idOf(line))
    if (last === line) return []
    return [last === undefined ? `+ ${line}` : `= ${line}`]
  })
  return [...gone, ...others]
}

export function addressOf({ address, port, sslPort }: ServiceInstance): string {
  const host = address.includes(':') ? `[${address}]` : address
  const known = port ?? sslPort
  return known === undefined ? host : `${host}:${known}`
}

function lineOf(instance: ServiceInstance): string {
  const { id, weight, zone, enabled, sslPort } = instance
  const words = [
    id.replaceAll(' ', '_'),
    addressOf(instance),
    `weight=${weight}`,
    sslPort === undefined ? '' : `ssl=${sslPort}`,
    zone === undefined ? '' : `zone=${zone}`,
    enabled ? '' : 'disabled',
  ]
  return printable(words.filter((word) => word !== '').join(' '))
}

function factsOf(instance: ServiceInstance): Readonly<Record<string, unknown>> {
  const { id, name, address, port, sslPort, weight, zone, metadata, enabled, registeredAt } = instance
  return { id, name, address, port, sslPort, weight, zone, metadata, enabled, registeredAt }
}
