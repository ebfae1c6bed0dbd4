/** Reads servers and says what is wrong with them. Reads only: no request of it writes. */
import { type Client, KeeperError, type ZnodePath } from '@lightkeeper/client'
import { findingsInEnsemble } from './ensemble.ts'
import { bySeverity, type Finding, someOf } from './finding.ts'
import { type AskedServer, readServer } from './read-server.ts'
import { type WalkedTree, walkZnodes } from './read-znodes.ts'
import { findingsInServer } from './server.ts'
import type { ServerFacts } from './server-facts.ts'
import { TreeSurvey } from './tree.ts'
import { differ, type Suspicion, unequalZnodes } from './unequal.ts'

export interface DiagnosedServer extends AskedServer {
  /** Opens a session with this server alone, without a chroot. */
  readonly connect: () => Promise<Client>
}

export interface DiagnoseOptions {
  /** The time of this machine, milliseconds since 1970. */
  readonly now: () => number
  /** The most znodes to look at on each server. Default 100000. */
  readonly znodesMax?: number
  /** The limit for a request and a reply, bytes. Default 1048575. */
  readonly frameBytes?: number
  /** Ends the diagnosis, which rejects with the reason. */
  readonly signal?: AbortSignal
  /** Called with what is read next, and how much of it is read. */
  readonly onProgress?: (what: string, count: number) => void
}

export interface Diagnosis {
  /** The worst first. */
  readonly findings: readonly Finding[]
  /** What each server said about itself, in the order in which they were given. */
  readonly servers: readonly ServerFacts[]
  /** The number of znodes that were looked at on the first server. */
  readonly znodes: number
}

interface Visited {
  readonly facts: ServerFacts
  readonly zk: Client | undefined
  readonly tree: WalkedTree | undefined
}

/** Asks the servers one after the other. @throws the reason of the signal. */
export async function diagnose(servers: readonly DiagnosedServer[], options: DiagnoseOptions): Promise<Diagnosis> {
  const { znodesMax = 100_000, frameBytes = 0xfffff, signal, onProgress = () => {} } = options
  const where = servers.map(({ address }) => address).join(',')
  const survey = new TreeSurvey({ frameBytes, where })
  const findings: Finding[] = []
  const visited: Visited[] = []
  try {
    for (const server of servers) {
      signal?.throwIfAborted()
      const { address } = server
      onProgress(address, 0)
      let problem: string | undefined
      const from = options.now()
      const zk = await server.connect().catch((error: Error) => void (problem = error.message))
      // The middle of the time that it took.
      const connectedAt = (from + options.now()) / 2
      const own = zk === undefined ? undefined : { session: zk.sessionId, connectedAt }
      const facts = await readServer(server, own)
      if (zk === undefined && facts.failure === undefined && !facts.isNotServing && facts.mode !== 'read-only') {
        findings.push(noSession(address, problem ?? ''))
      }
      // Each znode is counted once; the first server that can be read stands for all.
      const isFirst = visited.every(({ tree }) => tree === undefined)
      let tree: WalkedTree | undefined
      if (zk !== undefined) {
        const onZnode = isFirst ? { onZnode: survey.add.bind(survey) } : {}
        const progress = (count: number): void => onProgress(address, count)
        tree = await walkZnodes(zk, { znodesMax, signal, onProgress: progress, ...onZnode })
      }
      visited.push({ facts, zk, tree })
    }
    const [first] = visited.filter(({ tree }) => tree !== undefined)
    const exists = first?.tree === undefined || first.tree.isCut ? undefined : existsIn(first.tree)
    for (const { facts } of visited) findings.push(...findingsInServer(facts, exists))
    findings.push(...findingsInEnsemble(visited.map(({ facts }) => facts)))
    findings.push(...(await unequalMembers(visited, signal)))
    if (first?.tree !== undefined) findings.push(...survey.findings(), ...limitsOf(first.tree, where, znodesMax))
    return { findings: bySeverity(findings), servers: visited.map(({ facts }) => facts), znodes: survey.count }
  } finally {
    await Promise.all(visited.flatMap(({ zk }) => (zk === undefined ? [] : [zk.close()])))
  }
}

function noSession(address: string, problem: string): Finding {
  return {
    name: 'unreachable',
    severity: 'critical',
    what: 'The server answers words, and opens no session.',
    where: address,
    evidence: [problem],
    next: 'Are the identity and TLS options right, and does it accept more connections (maxCnxns, maxClientCnxns)?',
  }
}

/** A path that a client may not read is not missing. */
function existsIn({ nodes, unreadable }: WalkedTree): (path: string) => boolean {
  const hidden = new Set(unreadable)
  return (path) => nodes.has(path) || isBelow(path, hidden)
}

function* limitsOf({ unreadable, isCut, nodes }: WalkedTree, where: string, znodesMax: number): Generator<Finding> {
  if (unreadable.length > 0) {
    yield {
      name: 'unreadable-znodes',
      severity: 'note',
      what: 'This client may not read everything, so this diagnosis does not see all znodes.',
      where: unreadable[0] ?? '/',
      evidence: [someOf(unreadable)],
      next: 'Use an identity that may read them: lightkeeper doctor --auth digest:USER:PASSWORD',
    }
  }
  if (isCut) {
    yield {
      name: 'not-all-znodes',
      severity: 'note',
      what: 'There are more znodes than were looked at.',
      where,
      evidence: [`${nodes.size} were looked at, the limit is ${znodesMax}`],
      next: 'Look at more: lightkeeper doctor --znodes N; or at the files of a server: lightkeeper doctor DATA_DIR',
    }
  }
}

/** The most suspicions to look at again. */
const againMax = 100

/** Compares each member with the first one that could be read. Servers that stand alone are no members. */
async function unequalMembers(visited: readonly Visited[], signal: AbortSignal | undefined): Promise<Finding[]> {
  const members = visited.filter(({ tree, facts }) => tree?.isCut === false && facts.mode !== 'standalone')
  const [first, ...others] = members
  if (first?.tree === undefined || first.zk === undefined) return []
  const findings: Finding[] = []
  for (const { facts, tree, zk } of others) {
    if (tree === undefined || zk === undefined) continue
    const hidden = new Set([...first.tree.unreadable, ...tree.unreadable])
    const suspicions = [...unequalZnodes(first.tree, tree)].filter(({ path }) => !isBelow(path, hidden))
    const certain: string[] = []
    for (const { path } of suspicions.slice(0, againMax)) {
      signal?.throwIfAborted()
      const again = await lookAgain(first.zk, zk, path as ZnodePath)
      if (again !== undefined)
        certain.push(`${path}: ${textOf(again.a)} on ${first.facts.address}, ${textOf(again.b)} here`)
    }
    if (certain.length === 0) continue
    findings.push({
      name: 'members-differ',
      severity: 'critical',
      what: 'Two members have different trees: clients read one or the other.',
      where: facts.address,
      evidence: [...certain.slice(0, 5), ...(certain.length > 5 ? [`${certain.length - 5} more`] : [])],
      next: `See where they differ: lightkeeper diff / -s ${first.facts.address} --to-server ${facts.address}`,
    })
  }
  return findings
}

function isBelow(path: string, tops: ReadonlySet<string>): boolean {
  for (const top of tops) if (path === top || path.startsWith(top === '/' ? '/' : `${top}/`)) return true
  return false
}

/** Asks both again; undefined where they agree, or where a transaction between the reads may be the reason. */
async function lookAgain(a: Client, b: Client, path: ZnodePath): Promise<Suspicion | undefined> {
  try {
    const first = await readOnBoth(a, b, path)
    const second = await readOnBoth(a, b, path)
    const { x, y } = second
    if (x !== undefined && y !== undefined) return differ(x, y, second.both) ? { path, a: x, b: y } : undefined
    const has = x ?? y
    // By the second sync the one that has it has executed every delete that the other one had executed at the first read.
    const hadBefore = x === undefined ? first.y : first.x
    const lackedBefore = x === undefined ? first.x : first.y
    const isSame = has !== undefined && hadBefore?.czxid === has.czxid && lackedBefore === undefined
    return isSame ? { path, a: x, b: y } : undefined
  } catch (error) {
    if (KeeperError.is(error)) return undefined
    throw error
  }
}

/** Both have executed everything that was written before, and at least `both`. */
async function readOnBoth(a: Client, b: Client, path: ZnodePath) {
  await Promise.all([a.sync(path), b.sync(path)])
  const both = a.lastZxid < b.lastZxid ? a.lastZxid : b.lastZxid
  const [x, y] = await Promise.all([a.exists(path), b.exists(path)])
  return { both, x, y }
}

function textOf(numbers: Suspicion['a']): string {
  if (numbers === undefined) return 'missing'
  return `mzxid=0x${numbers.mzxid.toString(16)} version=${numbers.version} bytes=${numbers.dataLength}`
}
