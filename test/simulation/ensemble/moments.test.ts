/** Moments to which stories seldom come: planted-bugs.ts has a bug for each, that it finds. */
import { expect, test } from 'vitest'
import { seeds } from '../stage.ts'
import {
  askDeposed,
  beginWithPromises,
  comeOver,
  crowd,
  cutTail,
  dieWhileCutting,
  dieWhileReplacing,
  moveSession,
  outliveLeaders,
  replaceUnderLoad,
  replaceWithTail,
} from './moments.ts'

test.each([
  ['a member dies while its log is cut', dieWhileCutting],
  ['a member cuts its log', cutTail],
  ['a member dies while its history is replaced', dieWhileReplacing],
  ['a member gets everything, and its old log ends behind it', replaceWithTail],
  ['a member gets an image of a tree that changes', replaceUnderLoad],
  ['an epoch begins with a quorum of promises', beginWithPromises],
  ['many write and read', crowd],
  ['a leader is deposed, and asked', askDeposed],
  ['leaders come and go', outliveLeaders],
  ['a client comes over behind a write', comeOver],
  ['a session moves, and its old connection writes', moveSession],
])('%s, and nothing is wrong', async (_name, moment) => {
  for (const seed of seeds(2)) await expect(moment(seed), `seed ${seed}`).resolves.not.toThrow()
})
