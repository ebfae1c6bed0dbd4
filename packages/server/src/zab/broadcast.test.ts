/** What a leader passes on when acknowledgements come: each COMMIT to its learners, and one step for its own tree. */
import { makeZxid, type QuorumPacket } from '@lightkeeper/protocol'
import { expect, test } from 'vitest'
import { equalMembers } from '../config/membership.ts'
import { Broadcast } from './broadcast.ts'
import { History } from './history.ts'
import type { PeerOutput } from './outputs.ts'
import { Progress } from './progress.ts'
import { quorumOf } from './quorum.ts'

const zxid = (counter: number): bigint => makeZxid(1, counter)

test('what one flush of the leader commits is one step for its tree, behind a COMMIT of each', () => {
  const done: string[] = []
  const out = {
    append() {},
    commit: (to: bigint) => void done.push(`apply to ${to - zxid(0)}`),
    send: (_link: number, { type, zxid: of }: QuorumPacket) => void done.push(`${type} ${of - zxid(0)}`),
  } as unknown as PeerOutput
  const history = new History({
    acceptedEpoch: 1,
    currentEpoch: 1,
    base: 0n,
    ranges: [],
    committed: 0n,
    state: 'whole',
  })
  const follower = Object.assign(new Progress(2, 0), { sid: 2, isVoter: true })
  follower.enter('up', 0)
  const broadcast = new Broadcast(1, quorumOf(equalMembers([1, 2, 3])), history, new Map([[2, follower]]))
  broadcast.begin(1)
  for (const counter of [1, 2, 3]) broadcast.propose(0, zxid(counter), new Uint8Array(1), out)
  for (const counter of [1, 2, 3]) broadcast.acknowledged(0, follower, zxid(counter), out)
  expect(done).toEqual(['PROPOSAL 1', 'PROPOSAL 2', 'PROPOSAL 3'])
  history.report({ kind: 'durable', zxid: zxid(3) }, out)
  broadcast.acknowledgeOwn(out)
  expect(done.slice(3)).toEqual(['COMMIT 1', 'COMMIT 2', 'COMMIT 3', 'apply to 3'])
})
