/**
 * Values from users at every function of the recipes and at every method of the objects they give out. A call gives a value, or throws
 * or rejects with TypeError, RangeError, KeeperError or what the user's own code threw; and no other call feels it. The methods are
 * read from the sources of the exported types, so that a new one cannot be forgotten.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, connect, KeeperError } from '@lightkeeper/client'
import * as recipes from '@lightkeeper/recipes'
import { type RunningServer, startServer } from '@lightkeeper/server'
import ts from '@typescript/typescript6'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostile, Mine } from '../support/hostile.ts'
import { fuzzParameters } from './parameters.ts'

let server: RunningServer
let zk: Client
let other: Client

interface Call {
  readonly name: string
  readonly call: (...args: never[]) => unknown
  /** Arguments with which it does something; one of them, or a part of it, is replaced. */
  readonly args: readonly unknown[]
}

const calls: Call[] = []
type Method = (...args: never[]) => unknown

/** A function of the package. */
const addFunction = (name: string, args: readonly unknown[]): void => {
  const call = (recipes as Record<string, unknown>)[name]
  if (typeof call !== 'function') throw new Error(`${name} is no function`)
  calls.push({ name, call: call as Method, args })
}

/** `Kind.method` of one object that all calls share. */
const add = (name: string, target: object, args: readonly unknown[]): void => {
  const method = (target as Record<string, unknown>)[nameOf(name)]
  if (typeof method !== 'function') throw new Error(`${name} is no method`)
  calls.push({ name, call: (method as Method).bind(target), args })
}

/** `Kind.method` of an object that is made for each call, since the method ends it. */
const addOnFresh = (name: string, make: () => Promise<object>, args: readonly unknown[]): void => {
  const call = async (...given: never[]): Promise<unknown> => {
    const target = await make()
    try {
      return await (target as Record<string, Method>)[nameOf(name)]?.(...given)
    } finally {
      end(target)
    }
  }
  calls.push({ name, call, args })
}

const nameOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

const soon = { timeout: 50 }
/** What recipes make, and programs only look at. */
const notCalled = new Set(['EndedError'])
/** A number for paths and ids, so that what a call leaves behind does not pile up. */
let turn = 0
const next = (): number => turn++ % 50

async function prepare(): Promise<void> {
  const base = '/values'
  await zk.create(base, '', { parents: true })
  const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
  addFunction('lock', [zk, `${base}/lock`, { names: 'curator', data: 'a', acl }])
  addFunction('readWriteLock', [zk, `${base}/rw`, { names: 'kazoo', data: 'a', acl }])
  addFunction('semaphore', [zk, `${base}/semaphore`, { leases: 3, names: 'curator', data: 'a', acl }])
  addFunction('multiLock', [zk, [`${base}/m1`, `${base}/m2`]])
  for (const each of [
    recipes.lock(zk, `${base}/lock`),
    recipes.readWriteLock(zk, `${base}/rw`).read,
    recipes.semaphore(zk, `${base}/semaphore`, { leases: 100_000 }),
  ]) {
    add('Lockable.acquire', each, [soon])
    add('Lockable.tryAcquire', each, [soon])
    add('Lockable.holders', each, [soon])
    add('Lockable.waiting', each, [soon])
    add('Lockable.revoke', each, [soon])
  }
  const multi = recipes.multiLock(zk, [`${base}/m1`, `${base}/m2`])
  add('MultiLock.acquire', multi, [soon])
  add('MultiLock.tryAcquire', multi, [soon])
  const held = await recipes.lock(zk, `${base}/held`).acquire()
  const all = await recipes.multiLock(zk, [`${base}/all1`, `${base}/all2`]).acquire()
  for (const method of ['remaining', 'guard', 'toJSON']) add(`Held.${method}`, held, [soon])
  for (const method of ['remaining', 'guards', 'toJSON']) add(`HeldAll.${method}`, all, [soon])
  for (const method of ['release', 'close']) {
    addOnFresh(`Held.${method}`, () => recipes.lock(zk, `${base}/held${next()}`).acquire(), [soon])
    addOnFresh(`HeldAll.${method}`, () => recipes.multiLock(zk, [`${base}/all${next()}`]).acquire(), [soon])
  }

  addFunction('election', [zk, `${base}/election`, { id: 'a', priority: 3, names: 'curator', acl }])
  addFunction('masterElection', [zk, `${base}/master`, { id: 'a', acl }])
  for (const each of [recipes.election(zk, `${base}/election`), recipes.masterElection(zk, `${base}/master`)]) {
    add('Election.terms', each, [{}])
    add('Election.leader', each, [soon])
    add('Election.watchLeader', each, [{}])
    add('Election.candidates', each, [soon])
  }
  const elected = async (path: string): Promise<recipes.Term> => {
    const { value } = await recipes.election(zk, `${base}/${path}`).terms().next()
    return value as recipes.Term
  }
  const term = await elected('term')
  for (const method of ['remaining', 'guard', 'toJSON']) add(`Term.${method}`, term, [soon])
  for (const method of ['resign', 'close']) addOnFresh(`Term.${method}`, () => elected(`term${next()}`), [soon])
  add('EndedError.toJSON', new recipes.EndedError('DELETED', '/a', 'it is gone'), [soon])

  addFunction('group', [zk, `${base}/group`, { layout: 'curator' }])
  const group = recipes.group(zk, `${base}/group`)
  add('Group.join', group, ['me', { data: 'a', acl, ...soon }])
  add('Group.members', group, [soon])
  add('Group.follow', group, [{}])
  addFunction('persistentNode', [zk, `${base}/node`, 'v', { mode: 'ephemeral', parents: 'container', acl, ...soon }])
  const node = await recipes.persistentNode(zk, `${base}/kept`, 'v')
  add('PersistentNode.set', node, ['w', soon])
  add('PersistentNode.settled', node, [soon])
  add('PersistentNode.onState', node, [() => {}])
  add('PersistentNode.toJSON', node, [soon])
  addOnFresh('PersistentNode.close', () => recipes.persistentNode(zk, `${base}/kept${next()}`, 'v'), [soon])

  addFunction('discovery', [zk, `${base}/services`, { format: 'curator' }])
  for (const format of ['curator', 'dubbo'] as const) {
    const services = recipes.discovery(zk, `${base}/services-${format}`, { format })
    const instance = {
      name: 'web',
      id: 'a',
      address: '10.0.0.1',
      port: 1,
      weight: 2,
      zone: 'z',
      metadata: { a: 'b' },
      enabled: true,
    }
    add('Discovery.register', services, [instance, { acl, ...soon }])
    add('Discovery.names', services, [soon])
    add('Discovery.instances', services, ['web', soon])
    const strategies = {
      strategy: recipes.random,
      zone: 'z',
      outliers: { failures: 2, within: 3, out: 4, shareMax: 0.5 },
    }
    add('Discovery.resolve', services, ['web', strategies])
    const registration = await services.register({ name: 'api', address: '10.0.0.1', port: 1 })
    add('Registration.update', registration, [{ weight: 3, metadata: { a: 'b' }, zone: 'y', enabled: true }, soon])
    add('Registration.toJSON', registration, [soon])
    const other = (): Promise<recipes.Registration> =>
      services.register({ name: 'passing', id: `i${next()}`, address: '10.0.0.1', port: next() })
    addOnFresh('Registration.drain', other, [soon])
    addOnFresh('Registration.close', other, [soon])
    const resolver = await services.resolve('api')
    add('Resolver.pick', resolver, ['key'])
    add('Resolver.acquire', resolver, ['key'])
    add('Resolver.down', resolver, [registration.instance])
    add('Resolver.up', resolver, [registration.instance])
    add('Resolver.changes', resolver, [{}])
    add('Resolver.toJSON', resolver, [soon])
    addOnFresh('Resolver.close', () => services.resolve('api'), [soon])
    const acquired = async (): Promise<object> => resolver.acquire() ?? { done: () => {}, close: async () => {} }
    addOnFresh('Acquired.done', acquired, [new Error('it failed')])
    addOnFresh('Acquired.close', acquired, [soon])
  }
  addFunction('zoneFirst', ['z', recipes.weighted])
  addFunction('assign', [['a'], ['m'], new Map([['a', 'm']])])

  addFunction('barrier', [zk, `${base}/barrier`])
  const barrier = recipes.barrier(zk, `${base}/barrier`)
  add('Barrier.set', recipes.barrier(zk, `${base}/barrier-up`), [soon])
  add('Barrier.remove', recipes.barrier(zk, `${base}/barrier-down`), [soon])
  add('Barrier.wait', barrier, [soon])
  addFunction('doubleBarrier', [zk, `${base}/double`, { count: 1, identifier: 'a' }])
  add('DoubleBarrier.enter', recipes.doubleBarrier(zk, `${base}/double`, { count: 1 }), [soon])
  const inside = (): Promise<recipes.Inside> =>
    recipes.doubleBarrier(zk, `${base}/double${next()}`, { count: 1 }).enter()
  for (const method of ['leave', 'withdraw', 'close']) addOnFresh(`Inside.${method}`, inside, [soon])

  addFunction('counter', [zk, `${base}/counter`, { format: 'int64', initial: 3n }])
  for (const [format, one] of [
    ['int32', 1],
    ['int64', 1n],
    ['decimal', 1],
  ] as const) {
    const count = recipes.counter(zk, `${base}/counter-${format}`, { format })
    add('Counter.get', count, [soon])
    add('Counter.add', count, [one, soon])
    add('Counter.increment', count, [soon])
    add('Counter.decrement', count, [soon])
    add('Counter.set', count, [one, soon])
    add('Counter.compareAndSet', count, [one, one, soon])
    add('Counter.update', count, [(value: unknown) => value, soon])
  }

  const queueOptions = { claims: `${base}/claims`, identifier: 'a', itemsMax: 10_000_000, onUnreadable: () => 'drop' }
  for (const name of ['queue', 'priorityQueue', 'delayQueue'] as const)
    addFunction(name, [zk, `${base}/${name}`, queueOptions])
  const value = new Uint8Array(2)
  const queue = recipes.queue(zk, `${base}/queue`)
  const priorityQueue = recipes.priorityQueue(zk, `${base}/priority`)
  const delayQueue = recipes.delayQueue(zk, `${base}/delay`)
  for (const [kind, each, order] of [
    ['Queue', queue, []],
    ['PriorityQueue', priorityQueue, [3]],
    ['DelayQueue', delayQueue, [{ delay: 1 }]],
  ] as const) {
    add(`${kind}.put`, each, [value, ...order, soon])
    add(`${kind}.take`, each, [soon])
    add(`${kind}.items`, each, [{}])
    add(`${kind}.length`, each, [soon])
  }
  const items = recipes.queue(zk, `${base}/items`)
  const taken = async (): Promise<recipes.QueueItem<Uint8Array>> => {
    if ((await items.length()) < 5) await items.put(value)
    return items.take()
  }
  for (const method of ['done', 'requeue', 'release', 'close']) addOnFresh(`QueueItem.${method}`, taken, [soon])

  const work = { items: ['a'], work: async () => {}, identifier: 'a', onError: () => {}, ...soon }
  addFunction('partitioner', [zk, `${base}/partitioner`, work])
  addOnFresh('Partitioner.close', () => recipes.partitioner(zk, `${base}/parts${next()}`, work), [soon])

  addFunction('cache', [zk, base, { recursive: false, auditInterval: 1000, ...soon }])
  const cache = await recipes.cache(zk, `${base}/kept`)
  add('Cache.get', cache, [`${base}/kept`])
  add('Cache.children', cache, [`${base}/kept`])
  add('Cache.changes', cache, [{}])
  add('Cache.atLeast', cache, [1n, soon])
  addOnFresh('Cache.close', () => recipes.cache(zk, `${base}/kept`), [soon])
  add('Cache.set', cache, [`${base}/absent`, value, { version: 1, idempotent: true, ...soon }])
  const bytes = { encode: (own: Uint8Array) => own, decode: (own: Uint8Array) => own }
  addFunction('sharedValue', [zk, `${base}/shared`, bytes, { seed: value, ...soon }])
  const shared = await recipes.sharedValue(zk, `${base}/shared`)
  add('SharedValue.set', shared, [value, soon])
  add('SharedValue.trySet', shared, [value, soon])
  add('SharedValue.update', shared, [() => value, soon])
  add('SharedValue.changes', shared, [{}])
  addOnFresh('SharedValue.close', () => recipes.sharedValue(zk, `${base}/shared`), [soon])
  addFunction('configuration', [zk, `${base}/configuration`, bytes, { fallback: value, ...soon }])
  const configuration = await recipes.configuration(zk, `${base}/configuration`, bytes, { fallback: value })
  add('Configuration.set', configuration, [value, soon])
  add('Configuration.update', configuration, [() => value, soon])
  add('Configuration.changes', configuration, [{}])
  const another = (): Promise<object> =>
    recipes.configuration(zk, `${base}/configuration`, bytes, { fallback: value, timeout: 1_000 })
  addOnFresh('Configuration.close', another, [soon])
}

beforeAll(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1' })
  ;[zk, other] = await Promise.all([connect(server.connectString), connect(server.connectString)])
  await prepare()
})
afterAll(async () => {
  await Promise.all([zk.close(), other.close()])
  await server.close()
})

test('every function of the package is among the calls', () => {
  const named = new Set(calls.map(({ name }) => name))
  const strategies = ['random', 'weighted', 'roundRobin', 'sticky', 'leastOutstanding', 'consistentHash']
  const missing = Object.entries(recipes)
    .filter(([name, value]) => typeof value === 'function' && !strategies.includes(name) && !notCalled.has(name))
    .filter(([name]) => !named.has(name))
  expect(missing).toEqual([])
})

const sources = fileURLToPath(new URL('../../packages/recipes/src/', import.meta.url))
/** Exported types whose methods recipes call, not users. */
const givenByUsers = /Options$|^(Balancer|ConfigurationStore|Format|StrategyContext)$/

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration

function parsed(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(sources, file), 'utf8'), ts.ScriptTarget.Latest)
}

/** Every class and interface of the sources by its name. */
function declarations(): Map<string, Declaration> {
  const found = new Map<string, Declaration>()
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((each) => each.endsWith('.ts') && !each.endsWith('.test.ts'))) {
    for (const statement of parsed(file).statements) {
      if (!ts.isClassDeclaration(statement) && !ts.isInterfaceDeclaration(statement)) continue
      if (statement.name !== undefined) found.set(statement.name.text, statement)
    }
  }
  return found
}

const hidden = new Set([ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.StaticKeyword])

/** The public methods of a type, with those it inherits. */
function methodsOf(name: string, all: ReadonlyMap<string, Declaration>): string[] {
  const declaration = all.get(name)
  if (declaration === undefined) return []
  const inherited = (declaration.heritageClauses ?? [])
    .flatMap(({ types }) => types.map(({ expression }) => expression))
    .flatMap((expression) => (ts.isIdentifier(expression) ? methodsOf(expression.text, all) : []))
  const own: readonly ts.ClassElement[] | readonly ts.TypeElement[] = declaration.members
  const methods = own.flatMap((member) => {
    const isFunction =
      ts.isMethodDeclaration(member) ||
      ts.isMethodSignature(member) ||
      (ts.isPropertySignature(member) && member.type !== undefined && ts.isFunctionTypeNode(member.type))
    const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
    const isPublic = modifiers.every(({ kind }) => !hidden.has(kind))
    return isFunction && isPublic && ts.isIdentifier(member.name) ? [member.name.text] : []
  })
  return [...new Set([...methods, ...inherited])]
}

test('every method of every exported type is among the calls', () => {
  const all = declarations()
  const exported = parsed('index.ts').statements.flatMap((statement) => {
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined
    return clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(({ name }) => name.text) : []
  })
  // A consumer is always a queue of some kind.
  const kinds = exported.filter((name) => !givenByUsers.test(name) && name !== 'Consumer')
  const wanted = kinds.flatMap((kind) => methodsOf(kind, all).map((method) => `${kind}.${method}`))
  expect(wanted.length).toBeGreaterThan(60)
  const named = calls.map(({ name }) => name).filter((name) => name.includes('.'))
  expect([...new Set(named)].sort()).toEqual(wanted.sort())
})

/** Replaces one argument, or one property of it. */
function spoil(args: readonly unknown[], where: number, part: number, value: unknown): unknown[] {
  const spoilt = [...args]
  const at = where % args.length
  const given = args[at]
  const isPlain = typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype
  if (!isPlain || part % 3 === 0) spoilt[at] = value
  else {
    const keys = [...Object.keys(given), 'unknown', 'timeOut']
    spoilt[at] = { ...given, [keys[part % keys.length] as string]: value }
  }
  return spoilt
}

function isDocumented(error: unknown): boolean {
  if (error instanceof Mine) return true
  // What a user's function throws, or a signal has for a reason, is the user's: it need be no error.
  return error instanceof TypeError || error instanceof RangeError || KeeperError.is(error)
}

/** Ends what a call has begun, by whatever way out it has. */
function end(result: unknown): void {
  if (typeof result !== 'object' || result === null) return
  for (const way of ['release', 'resign', 'close', 'withdraw', 'return'] as const) {
    if (!(way in result)) continue
    const ended: unknown = (result as Record<string, () => unknown>)[way]?.()
    if (ended instanceof Promise) ended.catch(() => {})
    return
  }
}

const patienceMs = 100
/** Calls that run beside each other, so that those that wait do not make the others wait. */
const callsInRun = 50

async function make({ name, call, args }: Call, where: number, part: number, value: unknown): Promise<void> {
  let result: unknown
  try {
    result = call(...(spoil(args, where, part, value) as never[]))
  } catch (error) {
    if (!isDocumented(error)) throw new Error(`${name} throws ${String(error)}`, { cause: error })
    return
  }
  if (!(result instanceof Promise)) return end(result)
  let timer: NodeJS.Timeout | undefined
  const waits = new Promise((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs)
  })
  const settled = result.then(
    (own) => end(own),
    (error: unknown) => {
      if (!isDocumented(error)) throw new Error(`${name} rejects with ${String(error)}`, { cause: error })
    },
  )
  settled.catch(() => {})
  // A value that was well-formed after all may wait for another client, as long as its own time is.
  await Promise.race([settled, waits])
  clearTimeout(timer)
}

test('every value that is given to a call is answered as documented, and other calls go on', {
  timeout: 86_400_000,
}, async () => {
  const each = fc.tuple(fc.nat(10_000), fc.nat(8), fc.nat(50), hostile)
  const given = process.env['FUZZ_CALLS']
  const count = given === undefined ? 6_000 : Number(given)
  let made = 0
  await fc.assert(
    fc.asyncProperty(fc.array(each, { minLength: callsInRun, maxLength: callsInRun }), async (all) => {
      await Promise.all(
        all.map(([which, where, part, value]) => make(calls[which % calls.length] as Call, where, part, value())),
      )
      made += all.length

      await zk.set('/values', `${made}`)
      expect((await other.get('/values', { atLeast: zk.lastZxid })).data.length).toBeGreaterThan(0)
    }),
    fuzzParameters(Math.ceil(count / callsInRun)),
  )
  console.log(`${made} calls of ${new Set(calls.map(({ name }) => name)).size} kinds`)
})
