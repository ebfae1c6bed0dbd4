/**
 * What a server would refuse of a plan, without doing any of it. The server itself is asked: each transaction of the plan is sent with
 * one more operation that cannot succeed, so nothing of it is executed, and the answer names the operation that failed first. The
 * server logs these transactions as refused ones.
 */
import { type Client, KeeperError, op, type ZnodePath } from '@lightkeeper/client'
import type { WriteStep } from '../write-step.ts'
import { type AclStep, batchesOf, type OtherStep, opOf } from './batches.ts'

export interface Foreseen {
  /** The steps that the server would refuse. */
  readonly refused: readonly Refusal[]
  /** The number of steps that nothing is known about: they are below a refused create, or the server was not asked. */
  readonly unknown: number
}

export interface Refusal {
  /** The step. */
  readonly step: WriteStep
  /** The error that the server would answer with: `NO_AUTH`. */
  readonly code: string
}

export interface ForeseeOptions {
  /** Stops asking: rejects with the reason. */
  readonly signal?: AbortSignal
  /** As for `applySteps`: everything except ACLs is one transaction. Default false. */
  readonly atOnce?: boolean
  /** Called after each transaction, with the number of steps that were asked. */
  readonly onProgress?: (done: number) => void
}

/** Each refusal costs a request. With more of them something general is wrong, and the rest is not asked. */
const refusalsMax = 100

/** No znode has been written so often. */
const impossible = op.check('/', 0x7fff_ffff)

/** @throws KeeperError where a server cannot be asked. */
export async function foresee(
  zk: Pick<Client, 'transactionOf' | 'getAcl' | 'whoAmI'>,
  steps: readonly WriteStep[],
  { signal, atOnce = false, onProgress = () => {} }: ForeseeOptions = {},
): Promise<Foreseen> {
  const plan = new AskedPlan(zk)
  let done = 0
  for (const batch of batchesOf(steps, atOnce)) {
    signal?.throwIfAborted()
    const { acls } = batch
    if (acls === undefined) await plan.askTransaction(batch.steps)
    else await plan.askAcls(acls)
    done += (acls ?? batch.steps).length
    onProgress(done)
  }
  return { refused: plan.refused, unknown: plan.unknown }
}

type Create = Extract<OtherStep, { kind: 'create' }>

class AskedPlan {
  readonly refused: Refusal[] = []
  unknown = 0
  readonly #zk: Pick<Client, 'transactionOf' | 'getAcl' | 'whoAmI'>
  /** What the plan has created and deleted up to now, by path. */
  readonly #created = new Map<string, Create>()
  readonly #deletedBelow = new Set<string>()
  readonly #refusedCreates = new Set<string>()

  constructor(zk: Pick<Client, 'transactionOf' | 'getAcl' | 'whoAmI'>) {
    this.#zk = zk
  }

  async askTransaction(batch: readonly OtherStep[]): Promise<void> {
    if (this.refused.length >= refusalsMax) {
      this.unknown += batch.length
      return
    }
    const rest = batch.filter((step) => !this.#isBelowRefused(step.path))
    this.unknown += batch.length - rest.length
    const own = new Set(rest.filter(({ kind }) => kind === 'create').map(({ path }) => path))
    const parents = this.#missingParents(rest, own)
    for (;;) {
      const failed = await this.#firstFailure([...parents, ...rest])
      if (failed === undefined) break
      if (failed.index < parents.length) {
        // Another client has made it meanwhile; the steps below it do not need it.
        parents.splice(failed.index, 1)
        continue
      }
      const [step] = rest.splice(failed.index - parents.length, 1)
      if (step === undefined) throw new Error(`the server names operation ${failed.index}, which it was not sent`)
      // Its children are deleted by an earlier transaction of the plan.
      if (failed.code === 'NOT_EMPTY' && this.#deletedBelow.has(step.path)) continue
      this.refused.push({ step, code: failed.code })
      if (step.kind === 'create') {
        this.#refusedCreates.add(step.path)
        for (let i = rest.length - 1; i >= 0; i--) {
          if (!this.#isBelowRefused(rest[i]?.path ?? '')) continue
          rest.splice(i, 1)
          this.unknown++
        }
      }
      if (this.refused.length >= refusalsMax) {
        this.unknown += rest.length
        return
      }
    }
    for (const step of rest) {
      if (step.kind === 'create') this.#created.set(step.path, step)
      if (step.kind === 'delete') this.#deletedBelow.add(step.path.slice(0, step.path.lastIndexOf('/')) || '/')
    }
  }

  /** Creates of earlier transactions that these steps stand on, from the top down. */
  #missingParents(steps: readonly OtherStep[], own: ReadonlySet<string>): Create[] {
    const found = new Map<string, Create>()
    for (const { path } of steps) {
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
        const parent = path.slice(0, at)
        const create = this.#created.get(parent)
        if (create === undefined || own.has(parent) || found.has(parent)) break
        found.set(parent, create)
      }
    }
    return [...found.values()].sort((a, b) => a.path.length - b.path.length)
  }

  #isBelowRefused(path: string): boolean {
    if (this.#refusedCreates.size === 0) return false
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      if (this.#refusedCreates.has(path.slice(0, at))) return true
    }
    return false
  }

  /** Undefined where the server accepts all of it. */
  async #firstFailure(
    steps: readonly OtherStep[],
  ): Promise<{ readonly index: number; readonly code: string } | undefined> {
    try {
      await this.#zk.transactionOf([...steps.map(opOf), impossible])
    } catch (error) {
      if (!KeeperError.is(error, 'TRANSACTION_FAILED') || error.failedOp === undefined) throw error
      const { index, code } = error.failedOp
      return index === steps.length ? undefined : { index, code }
    }
    throw new Error('the server has executed a transaction with an operation that cannot succeed')
  }

  /** Transactions have no operation for ACLs, so the znodes are looked at. */
  async askAcls(steps: readonly AclStep[]): Promise<void> {
    const asked = steps.filter(({ path }) => !this.#created.has(path) && !this.#isBelowRefused(path))
    this.unknown += steps.filter(({ path }) => this.#isBelowRefused(path)).length
    const codes = await Promise.all(asked.map((step) => this.#aclProblem(step)))
    for (const [i, step] of asked.entries()) {
      const code = codes[i]
      if (code !== undefined) this.refused.push({ step, code })
    }
  }

  async #aclProblem({ path, aversion }: AclStep): Promise<string | undefined> {
    try {
      const { acl, stat } = await this.#zk.getAcl(path as ZnodePath)
      if (aversion !== -1 && stat.aversion !== aversion) return 'BAD_VERSION'
      const identities = await this.#zk.whoAmI()
      const isAllowed = acl.some(({ perms, id }) => {
        if ((perms & adminPermission) === 0) return false
        if (id.scheme === 'world') return true
        // The rule of an address is the server's; a user stands in front of the hash of a password.
        return identities.some(
          ({ scheme, user }) =>
            scheme === id.scheme && (scheme === 'ip' || user === id.id || id.id.startsWith(`${user}:`)),
        )
      })
      return isAllowed || identities.some(({ scheme }) => scheme === 'super') ? undefined : 'NO_AUTH'
    } catch (error) {
      if (KeeperError.is(error, 'NO_NODE') || KeeperError.is(error, 'NO_AUTH')) return error.code
      // Before ZooKeeper 3.7 a server does not say who a client is.
      if (KeeperError.is(error, 'UNIMPLEMENTED')) return undefined
      throw error
    }
  }
}

const adminPermission = 16
