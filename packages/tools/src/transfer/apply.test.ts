import { type Acl, KeeperError } from '@lightkeeper/client'
import { expect, test } from 'vitest'
import type { WriteStep } from '../write-step.ts'
import { applySteps, PartlyDone } from './apply.ts'

const acl: readonly Acl[] = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const create = (path: string, bytes = 1): WriteStep => ({
  kind: 'create',
  path,
  data: new Uint8Array(bytes),
  acl,
  mode: 'persistent',
})
const set = (path: string): WriteStep => ({ kind: 'set', path, data: new Uint8Array(1), version: 0 })
const setAcl = (path: string): WriteStep => ({ kind: 'set acl', path, acl, aversion: 0 })

/** Writes down what it gets: the number of operations of a transaction, or the path of an ACL. */
function recorder(refused: ReadonlySet<string> = new Set()) {
  const calls: (number | string)[] = []
  const zk = {
    transactionOf: async (ops: readonly unknown[]) => void calls.push(ops.length),
    async setAcl(path: string) {
      if (refused.has(path)) throw new KeeperError('BAD_VERSION', { path, operation: 'setAcl' })
      calls.push(path)
    },
  }
  return { calls, zk: zk as unknown as Parameters<typeof applySteps>[0] }
}

test('transactions are bounded by the number of their operations and by their bytes', async () => {
  const { calls, zk } = recorder()
  const progress: number[] = []
  const steps = Array.from({ length: 1_100 }, (_, i) => create(`/n${i}`))
  await applySteps(zk, steps, { onProgress: (done) => progress.push(done) })
  expect(calls).toEqual([500, 500, 100])
  expect(progress).toEqual([500, 1000, 1100])
  const large = recorder()
  await applySteps(
    large.zk,
    [1, 2, 3, 4].map((i) => create(`/n${i}`, 200_000)),
  )
  expect(large.calls).toEqual([2, 2])
  const whole = recorder()
  await applySteps(whole.zk, steps, { atOnce: true })
  expect(whole.calls).toEqual([1100])
})

test('ACLs are set together, behind what comes before them and before what needs them', async () => {
  const { calls, zk } = recorder()
  await applySteps(zk, [
    set('/a'),
    setAcl('/a'),
    set('/b'),
    setAcl('/b'),
    create('/c'),
    create('/b/child'),
    setAcl('/d'),
  ])
  expect(calls).toEqual([3, '/a', '/b', 1, '/d'])
})

test('an ACL that is refused ends the plan, and those beside it count', async () => {
  const { calls, zk } = recorder(new Set(['/b']))
  const applied = applySteps(zk, [setAcl('/a'), setAcl('/b'), setAcl('/c'), create('/c/child')])
  await expect(applied).rejects.toBeInstanceOf(PartlyDone)
  await expect(applied).rejects.toMatchObject({ done: 2 })
  expect(calls).toEqual(['/a', '/c'])
})
