/** The options of every call, and what each must be. */
import { ttlMsMax } from '@lightkeeper/protocol'
import type { Codec } from '../codec.ts'
import type {
  CallOptions,
  CopyOptions,
  CreateOptions,
  DeleteOptions,
  EnsureOptions,
  MemberChange,
  ReadOptions,
  TransactionOptions,
  UpdateOptions,
  VersionOptions,
  WatchOptions,
} from '../options.ts'
import { acl } from './acl.ts'
import {
  boolean,
  type Check,
  interval,
  OptionSet,
  oneOf,
  signal,
  type Table,
  text,
  timeout,
  version,
  whole,
  withMethods,
  wrongType,
  zxid,
} from './checks.ts'
import { path } from './path.ts'

const call: Table<CallOptions> = { signal, timeout }
/** Which one-shot watches of a path `unwatch` gives up. */
export const watchKind = oneOf('data', 'children')

const write = { ...call, idempotent: boolean }
const versioned: Table<VersionOptions> = { ...write, version }

const ttl = new OptionSet<{ readonly ttl: number }>({ ttl: whole('milliseconds', 1, ttlMsMax) })
const modes =
  "'persistent', 'ephemeral', 'container' or { ttl: milliseconds }; sequential: true appends a counter to each"

const mode: Check<Exclude<CreateOptions['mode'], undefined>> = (value, name, operation) => {
  if (value === 'persistent' || value === 'ephemeral' || value === 'container') return value
  if (typeof value !== 'object' || value === null) throw wrongType(operation, name, modes, value)
  const own = ttl.check(value, name, operation)
  if (own.ttl === undefined) throw wrongType(operation, name, modes, value)
  return own
}

const creation = { mode, acl }
const parents = oneOf(true, false, 'container')

const withBoth = withMethods<Codec<unknown>>('a codec with encode() and decode(), such as json()', 'encode', 'decode')

/** @throws TypeError for a codec without its two methods. */
export function codec<T>(value: unknown, name: string, operation: string): Codec<T> {
  return withBoth(value, name, operation) as Codec<T>
}

export const callOptions = new OptionSet<CallOptions>(call)
export const readOptions = new OptionSet<ReadOptions>({ ...call, atLeast: zxid, watch: boolean })
const noWatch = {
  watch: 'find() returns undefined for a missing znode, without a watch; use existence(path, { watch: true }) or get()',
}
export const findOptions = new OptionSet<Omit<ReadOptions, 'watch'>>({ ...call, atLeast: zxid }, noWatch)
export const memberChange = new OptionSet<MemberChange>({
  joining: text,
  leaving: text,
  members: text,
  fromVersion: zxid,
})
export const versionOptions = new OptionSet<VersionOptions>(versioned)
export const deleteOptions = new OptionSet<DeleteOptions>({ ...versioned, recursive: boolean })
export const createOptions = new OptionSet<CreateOptions>({
  ...write,
  ...creation,
  sequential: boolean,
  protected: oneOf(true, false, 'bare'),
  parents,
  parentsAcl: acl,
})
export const ensureOptions = new OptionSet<EnsureOptions>({
  ...call,
  mode: oneOf('persistent', 'container'),
  acl,
  parentsAcl: acl,
})
export const opCreateOptions = new OptionSet<Pick<CreateOptions, 'mode' | 'sequential' | 'acl'>>({
  ...creation,
  sequential: boolean,
})
export const opVersionOptions = new OptionSet<{ readonly version?: number }>({ version })
const onCreation = new OptionSet<NonNullable<UpdateOptions['create']>>({ ...creation, parents, parentsAcl: acl })
export const updateOptions = new OptionSet<UpdateOptions>({ ...write, create: onCreation.check })
export const transactionOptions = new OptionSet<TransactionOptions>({ ...write, marker: path })
export const copyOptions = new OptionSet<CopyOptions>({ ...call, ephemerals: oneOf('refuse', 'skip') })
export const statesOptions = new OptionSet<{ readonly signal?: AbortSignal }>({ signal })

const watched: Table<Omit<WatchOptions, 'codec'>> = {
  recursive: boolean,
  children: boolean,
  since: zxid,
  signal,
  auditInterval: interval,
  ready: withMethods('a ReadyRequest', 'ask', 'attach', 'answer'),
}
const watchOptions = new OptionSet<WatchOptions<unknown>>({ ...watched, codec })

/** @throws TypeError, also where two options contradict each other. */
export function watchOptionsOf<T>(value: WatchOptions<T>): WatchOptions<T> {
  const own = watchOptions.of(value, 'watch') as WatchOptions<T>
  if (!own.recursive || !own.children) return own
  const each = 'recursive watches the znode and everything below it, children watches only its direct children'
  throw new TypeError(`watch: options.recursive and options.children cannot both be true: ${each}`)
}

/** For a handle, which has a codec of its own. */
export const handleWatchOptions = new OptionSet<Omit<WatchOptions, 'codec'>>(watched)
